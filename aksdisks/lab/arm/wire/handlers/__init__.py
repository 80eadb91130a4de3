"""What answers the calls of clients: a module for each type of resource; no rules in here."""
