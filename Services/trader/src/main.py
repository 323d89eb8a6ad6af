"""Starts the trader: the same as `roottrading trader`."""

import sys

from roottrading.cli.main import main

main(["trader", *sys.argv[1:]])
