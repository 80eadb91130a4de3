"""Validation of each kind."""
