"""Where Binance is, and how long the client waits."""

from typing import Annotated, Final
from urllib.parse import urlsplit

from msgspec import Struct

from roottrading.domain.bounds import Bounds
from roottrading.domain.time import HOUR, MILLISECOND, MINUTE, SECOND, Time


class Endpoints(Struct, frozen=True):
    """The two doors for orders and account: REST's root, and the WebSocket API's address."""

    rest: str
    socket: str


class Places(Struct, frozen=True):
    """Where a whole exchange is: REST's root, the WebSocket API's address, and the root of the market's streams."""

    rest: str
    socket: str
    streams: str


LIVE: Final = Endpoints("https://api.binance.com", "wss://ws-api.binance.com:443/ws-api/v3")
TESTNET: Final = Endpoints("https://testnet.binance.vision", "wss://ws-api.testnet.binance.vision/ws-api/v3")
DEMO: Final = Endpoints("https://demo-api.binance.com", "wss://demo-ws-api.binance.com/ws-api/v3")


def places_at(url: str) -> Places:
    """Return where everything of an exchange server is that has it on one port (http://127.0.0.1:8080).

    Raises ValueError for what is no such address.
    """
    root, sockets = roots_at(url)
    return Places(root, f"{sockets}/ws-api/v3", sockets)


def endpoints_at(url: str) -> Endpoints:
    """Return the doors of an exchange server that has both on one port (http://127.0.0.1:8080).

    Raises ValueError for what is no such address.
    """
    root, sockets = roots_at(url)
    return Endpoints(root, f"{sockets}/ws-api/v3")


def roots_at(url: str) -> tuple[str, str]:
    """Return the roots of HTTP and of WebSockets at one address. Raises ValueError for what is no such address."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"{url!r} is no address of an exchange: write http://HOST:PORT")
    root = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
    return root, f"ws{root.removeprefix('http')}"


class LinkSettings(Struct, frozen=True):
    """How the client waits, in microseconds. `receive_window` is how long a signed request is taken (at most 3 s)."""

    receive_window: Annotated[
        Time, Bounds(ge=100 * MILLISECOND, le=3 * SECOND, description="microseconds a signed request is taken for")
    ] = 3 * SECOND
    patience: Annotated[
        Time,
        Bounds(ge=100 * MILLISECOND, le=10 * SECOND, description="microseconds after which an outcome is unknown"),
    ] = 2 * SECOND
    connect_timeout: Annotated[
        Time, Bounds(ge=100 * MILLISECOND, le=30 * SECOND, description="microseconds that connecting may take")
    ] = 5 * SECOND
    answer_timeout: Annotated[
        Time, Bounds(ge=SECOND, le=60 * SECOND, description="microseconds after which no answer is waited for")
    ] = 12 * SECOND
    repeats: Annotated[int, Bounds(ge=0, le=10, description="times that a question without an answer is repeated")] = 2
    reconcile_every: Annotated[
        Time, Bounds(ge=SECOND, le=10 * MINUTE, description="microseconds of the exchange's between two comparisons")
    ] = MINUTE
    first_pause: Annotated[
        Time,
        Bounds(ge=10 * MILLISECOND, le=10 * SECOND, description="microseconds before connecting again, at first"),
    ] = 500 * MILLISECOND
    longest_pause: Annotated[
        Time, Bounds(ge=SECOND, le=5 * MINUTE, description="microseconds between two tries to connect at most")
    ] = 30 * SECOND
    renew_after: Annotated[
        Time,
        Bounds(ge=SECOND, le=24 * HOUR, description="microseconds after which a connection is replaced"),
    ] = 23 * HOUR
    heartbeat: Annotated[
        Time,
        Bounds(ge=SECOND, le=60 * SECOND, description="microseconds of silence before a sign of life is asked for"),
    ] = 15 * SECOND
    clock_rate: Annotated[
        int, Bounds(ge=1, le=100_000, description="seconds of the exchange's clock in one of ours (a real one's: 1)")
    ] = 1
