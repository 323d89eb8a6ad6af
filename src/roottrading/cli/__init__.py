"""The command line: one file per group of commands; it reads options, calls a runtime and prints."""
