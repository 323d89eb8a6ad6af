"""How connections are kept, of market data and of the WebSocket API alike."""

from msgspec import Struct

from roottrading.domain.time import DAY, SECOND


class SocketSettings(Struct, frozen=True):
    """Microseconds of the wall's time, whatever the exchange's clock does."""

    ping_every: int = 20 * SECOND
    pong_within: int = 60 * SECOND
    lifetime: int = DAY
    messages: int = 5  # that a reader of streams may send a second, pings and pongs among them
    backlog: int = 100_000  # messages that may wait for a slow reader before the connection is ended
