"""What controllers and agents share: the Kubernetes interface, informers, work queues, event recorders."""
