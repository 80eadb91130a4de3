"""What can go wrong on demand, and every place where a fault takes effect."""
