"""Objects by version, watches and pages over them."""
