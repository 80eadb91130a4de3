"""The command line: each command turns its flags into one call of the library and its outcome into an exit code."""
