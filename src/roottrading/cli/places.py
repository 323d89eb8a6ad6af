"""Which exchange is meant: Binance as the settings say, or a server with everything on one port."""

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from roottrading.cli.errors import CommandError

if TYPE_CHECKING:
    from roottrading.adapters.exchange.binance.settings import Places
    from roottrading.config.settings import Settings

BINANCE: Final = "binance"
HERE: Final = frozenset({"127.0.0.1", "localhost", "::1"})


def is_here(named: str) -> bool:
    """Say whether this is a server on this machine."""
    return named != BINANCE and urlsplit(named).hostname in HERE


def places_of(settings: "Settings", named: str) -> "Places":
    """Return where an exchange is, named by its address or as `binance`; CommandError for what is no address."""
    from roottrading.adapters.exchange.binance.settings import Places, places_at

    if named == BINANCE:
        told = settings.binance
        return Places(told.rest.rstrip("/"), told.socket, told.stream.rstrip("/"))
    try:
        return places_at(named)
    except ValueError as error:
        raise CommandError(str(error)) from None
