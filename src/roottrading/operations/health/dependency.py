"""One thing that a service needs: whether it is there, why not, and what to do."""

from typing import Protocol

from msgspec import Struct


class Dependency(Struct, frozen=True):
    """How one thing is; `what_to_do` is empty where all is well. No secret ever stands in it."""

    ok: bool
    why: str
    what_to_do: str = ""


class Probe(Protocol):
    """Looks whether a server answers, over a connection of its own that it keeps."""

    @property
    def name(self) -> str:
        """Whom it asks, as it is shown."""

    async def look(self) -> Dependency:
        """Ask now; never raises for a server that does not answer."""

    async def close(self) -> None:
        """End its connection."""
