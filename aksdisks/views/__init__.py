"""Views: one content as plain text, HTML and DataFrame; a view shows what it was given and never fetches."""
