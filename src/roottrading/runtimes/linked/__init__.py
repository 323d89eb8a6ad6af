"""The services in one process, the exchange at the other end of a wire: decide what comes, keep it, then send."""
