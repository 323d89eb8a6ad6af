"""What goes wrong with local servers."""


class ServerError(Exception):
    """A server was there but did not start, answer or end as it should: what, where its log is, its last lines."""


class ServerMissing(Exception):
    """A server's program is not on this machine and could not be got: every way that was tried, and why not."""
