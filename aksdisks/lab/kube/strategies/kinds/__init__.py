"""One file a kind, or a family of kinds that differ by little; each names its strategies by resource."""
