"""Kubernetes as of early 2019, where it differed: disks were handled by code in Kubernetes' own tree."""
