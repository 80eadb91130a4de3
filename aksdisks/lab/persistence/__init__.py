"""What a lab keeps over its restarts: records, settings and the state directory."""
