"""One cause a module: its page is the docstring, its rule a pure function, and `CAUSE` puts them together."""
