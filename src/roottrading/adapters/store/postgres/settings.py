"""Where PostgreSQL is, and how much of its time is asked for."""

from typing import Annotated, Final

from msgspec import Meta, Struct

from roottrading.domain.bounds import Bounds
from roottrading.domain.time import DAY, SECOND, Time

# without a password: it would be shown with the settings
_URL: Final = r"postgres(ql)?://(?!\S*password)([^\s/:@]+@)?[^\s/@]*(/[^\s]*)?"


class PostgresSettings(Struct, frozen=True):
    """The database of the services.

    Both addresses may name several hosts, parted by commas; the one that can be written to is taken. A unix socket is
    named as `postgresql://USER@/DATABASE?host=/FOLDER`. Passwords stand in `ROOTTRADING_POSTGRES_URL` (a whole
    address that goes before `url`), in PGPASSWORD or in ~/.pgpass.
    """

    url: Annotated[
        str | None,
        Meta(pattern=_URL, description="the database, as postgresql://USER@HOST:PORT/NAME, no password in it"),
    ] = None
    replica_url: Annotated[
        str | None, Meta(pattern=_URL, description="a copy of it to read from, for all that need not be the newest")
    ] = None
    connections: Annotated[int, Bounds(ge=1, le=1_000, description="connections that a process opens at most")] = 8
    connect_timeout: Annotated[
        Time, Bounds(gt=0, le=DAY, description="microseconds to wait for a connection, new or free")
    ] = 5 * SECOND
    statement_timeout: Annotated[
        Time, Bounds(gt=0, le=DAY, description="microseconds after which the server gives a statement up")
    ] = 10 * SECOND
    answer_timeout: Annotated[
        Time, Bounds(gt=0, le=DAY, description="microseconds without an answer after which a connection is given up")
    ] = 15 * SECOND
    leader_silence: Annotated[
        Time,
        Bounds(ge=200_000, le=DAY, description="microseconds of a leader's silence after which another takes over"),
    ] = 1_500_000
    months_ahead: Annotated[int, Bounds(ge=0, le=120, description="months of candles for which room is made ahead")] = 2
    months_kept: Annotated[
        int | None, Bounds(ge=1, le=1_200, description="months of candles that are kept (off: all)")
    ] = None
    outbox_kept: Annotated[
        Time,
        Bounds(ge=DAY, le=3_650 * DAY, description="microseconds that sent messages are kept, longer than Kafka's"),
    ] = 30 * DAY
    opinions_kept: Annotated[
        Time,
        Bounds(
            ge=DAY // 24,
            le=3_650 * DAY,
            description="microseconds that opinions and verdicts which all have taken are kept",
        ),
    ] = DAY
