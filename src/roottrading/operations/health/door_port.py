"""The port of a process's door, where somebody else chooses it: the same at every start, unless it was taken."""

from roottrading.operations.local_servers.ports import free_port, is_free


class DoorPort:
    """The port of one process, through all its starts."""

    def __init__(self) -> None:
        self._port = 0

    def options(self) -> tuple[str, str]:
        """Return how the process is told, now that it starts: another port only where the last one is taken."""
        if not self._port or not is_free(self._port):
            self._port = free_port()
        return "--health-port", str(self._port)
