"""The comparison of a cluster with the record."""
