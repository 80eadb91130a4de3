"""The operator of ReplicatedStores: one primary, replicas, promotion, copies and snapshots (docs/operator.md)."""
