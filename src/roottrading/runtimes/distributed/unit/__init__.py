"""One unit in a process: what reaches it, its decisions, their commit, and what leaves after it."""
