"""Resource Manager's own: groups, tags, operations, roles, throttling."""
