"""Starts the dispatcher: the same as `roottrading dispatcher`."""

import sys

from roottrading.cli.main import main

main(["dispatcher", *sys.argv[1:]])
