"""Starts the analyzer: the same as `roottrading analyzer`."""

import sys

from roottrading.cli.main import main

main(["analyzer", *sys.argv[1:]])
