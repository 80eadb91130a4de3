"""Storage accounts and file shares: their state and rules."""
