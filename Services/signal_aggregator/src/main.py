"""Starts the signal aggregator: the same as `roottrading signal-aggregator`."""

import sys

from roottrading.cli.main import main

main(["signal-aggregator", *sys.argv[1:]])
