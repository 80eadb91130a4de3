"""`python -m aksdisks.cli`: the command line."""

from aksdisks.cli.main import main

main()
