"""The control plane's controllers, one a file; they meet only through the API."""
