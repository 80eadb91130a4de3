"""The managed cluster as Azure tells of it."""
