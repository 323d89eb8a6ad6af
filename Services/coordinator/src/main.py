"""Starts the coordinator: the same as `roottrading coordinator`."""

import sys

from roottrading.cli.main import main

main(["coordinator", *sys.argv[1:]])
