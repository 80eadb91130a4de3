"""Whose each Azure disk is: both sides read, joined, and a verdict for each disk and snapshot."""

from aksdisks.inspection.ownership.reading import read_ownership

__all__ = ["read_ownership"]
