"""Frames written, by connection: what the stepped clock compares with what the processes say they read."""

from collections import Counter

from aiohttp import web


class Traffic:
    """Counts data frames by the client's address and port, which both ends of a connection know."""

    def __init__(self) -> None:
        self._written: Counter[str] = Counter()

    def opened(self, peer: str) -> None:
        """Begin to count a connection."""
        self._written[peer] = 0

    def wrote(self, peer: str) -> None:
        """Count one frame that was handed to a connection."""
        self._written[peer] += 1

    def closed(self, peer: str) -> None:
        """Forget a connection."""
        self._written.pop(peer, None)

    def written(self) -> dict[str, int]:
        """Return the counts of all open connections."""
        return dict(self._written)


def peer_of(request: web.Request) -> str:
    """Return the client's address and port."""
    peer = request.transport.get_extra_info("peername") if request.transport is not None else None
    return f"{peer[0]}:{peer[1]}" if peer else ""
