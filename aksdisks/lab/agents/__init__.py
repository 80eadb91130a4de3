"""What runs on or for the nodes: the node agent and the disk driver; they need only a Kubernetes API and Azure."""
