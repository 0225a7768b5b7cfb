"""`python -m watchword`."""

from watchword.cli import main

main(prog_name="watchword")
