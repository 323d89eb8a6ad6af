"""Starts the portfolio: the same as `roottrading portfolio`."""

import sys

from roottrading.cli.main import main

main(["portfolio", *sys.argv[1:]])
