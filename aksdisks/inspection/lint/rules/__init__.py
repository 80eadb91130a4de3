"""Rules, one a file: a page as its docstring, a pure judgement, and `RULE`."""
