"""Views: one content as plain text and as HTML; a view shows what it was given and never fetches."""
