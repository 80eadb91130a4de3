"""What a run has on a cluster: namespace, lease, journal, labels and clean-up; all that changes a cluster."""
