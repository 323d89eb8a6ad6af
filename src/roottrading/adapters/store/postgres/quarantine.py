"""What the units could not process, as their rows say: for people, who answer by commands (consistency-rules 5)."""

from typing import Final

from msgspec import Struct

from roottrading.adapters.store.postgres.database import Database
from roottrading.adapters.store.postgres.errors import asking
from roottrading.domain.time import Time

_ALL: Final = """
SELECT unit, symbol, kind, channel, source, stream, sequence, envelope, error, at FROM quarantine
WHERE ($1 = '' OR symbol = $1) AND ($2 = '' OR unit = $2) ORDER BY unit, symbol, number"""


class QuarantineSeen(Struct, frozen=True):
    """A row of the view `quarantine`; without an error it waits behind the one before it, or for its turn."""

    unit: str
    symbol: str
    kind: str
    channel: str
    source: str
    stream: str
    sequence: int
    envelope: str
    error: str
    at: Time


async def quarantined(database: Database, symbol: str = "", unit: str = "") -> tuple[QuarantineSeen, ...]:
    """Return what stands in the quarantine, of a symbol and a unit where named. Raises Unreachable or StoreError."""
    async with database.connection() as connection:
        with asking(database.where):
            found = await connection.fetch(_ALL, symbol, unit)
    return tuple(QuarantineSeen(*row) for row in found)
