"""What runbooks import, and all they import."""

from aksdisks.walkthrough.walk import open_walk

__all__ = ["open_walk"]
