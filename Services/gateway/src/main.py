"""Starts the gateway: the same as `roottrading gateway`."""

import sys

from roottrading.cli.main import main

main(["gateway", *sys.argv[1:]])
