"""Authorization: what whoever asks may do."""
