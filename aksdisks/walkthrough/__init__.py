"""What runbooks import, and all they import."""

from aksdisks import manifests
from aksdisks.views import markup
from aksdisks.walkthrough.walk import open_walk

__all__ = ["open_walk", "warm"]


def warm() -> None:
    """Compile the templates before a cell needs them: that takes longer than filling them."""
    markup.warm()
    manifests.template()
