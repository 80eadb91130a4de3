"""HTTP: requests become calls of the API, answers and refusals become bytes; no rules live here."""
