"""See, test and prove how dynamic Azure disks behave in AKS."""

__version__ = "0.1.0"
