"""What admission adds to or refuses in new objects."""
