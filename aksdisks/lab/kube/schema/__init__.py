"""The kinds that are served, their OpenAPI schemas, and how bodies are read by them."""
