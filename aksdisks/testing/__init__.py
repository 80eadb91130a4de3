"""For tests of other projects: the lab as fixtures of pytest."""
