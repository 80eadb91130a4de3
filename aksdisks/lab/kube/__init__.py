"""The Kubernetes API server of the lab: store, rules and wire."""
