"""Disks, snapshots and machines: their state and rules."""
