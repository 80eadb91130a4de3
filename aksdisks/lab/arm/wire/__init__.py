"""HTTP: requests become calls, answers become JSON; no rules live here."""
