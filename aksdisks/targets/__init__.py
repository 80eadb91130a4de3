"""A target's name becomes endpoints, credentials, rails and a time scale."""
