"""What is particular to each kind: defaults, validation, warnings."""
