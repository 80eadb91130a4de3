"""The kubelet's part: pods, their volumes and images, and a node's heartbeats."""
