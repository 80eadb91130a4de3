"""Microsoft Entra ID: tokens, their issuer, and names of principals."""
