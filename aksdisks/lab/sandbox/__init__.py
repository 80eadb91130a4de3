"""Confined commands, and what they see of a pod: its volumes, its variables, its names."""
