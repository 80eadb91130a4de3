"""The processes of a lab: the one that serves it, and agents that run apart from it."""
