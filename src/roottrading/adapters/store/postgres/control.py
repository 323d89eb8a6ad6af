"""A person's commands in the database: numbered without a hole, read by place, and a wake-up for who waits."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any, Final

import asyncpg
import msgspec

from roottrading.adapters.store.control_inbox import kind_of
from roottrading.adapters.store.port import Control, Unreachable
from roottrading.adapters.store.postgres.connecting import connect
from roottrading.adapters.store.postgres.database import Database
from roottrading.adapters.store.postgres.errors import asking
from roottrading.messages.service import AccountAdjusted, ControlChanged

CHANNEL: Final = "roottrading_control"
_PATIENCE: Final = 1.0  # seconds after which who waits looks for himself: a notice may be lost with its connection
_POLL: Final = "SELECT number, kind, body FROM control_requests WHERE number > $1 ORDER BY number"

_UNANSWERED: Final = """
SELECT number, body FROM control_requests request WHERE kind = 'AccountAdjusted' AND NOT EXISTS (
    SELECT FROM control_requests answer
    WHERE answer.kind = 'AdjustmentAnswered' AND (answer.body ->> 'request')::bigint = request.number)
ORDER BY number"""


async def post_control(database: Database, control: Control, keep_state: bool = False) -> int:
    """Leave a command for all units that take commands; returns its number.

    With `keep_state` a ControlChanged takes the trading state that the last one asked for instead of its own. Raises
    Unreachable or StoreError; after either the command may stand: look before sending it again.
    """
    keeps = keep_state and isinstance(control, ControlChanged)
    body = msgspec.json.encode(msgspec.structs.replace(control, number=0)).decode()
    async with database.connection() as connection:
        with asking(database.where):
            number: int = await connection.fetchval(
                "SELECT post_control($1, $2, $3)", type(control).__name__, body, keeps
            )
            return number


async def poll_control(database: Database, after: int) -> tuple[Control, ...]:
    """Return the commands above `after`, in order, with their numbers. Raises Unreachable or StoreError."""
    async with database.connection() as connection:
        with asking(database.where):
            found = await connection.fetch(_POLL, after)
    return tuple(
        msgspec.structs.replace(msgspec.json.decode(body, type=kind_of(kind)), number=number)
        for number, kind, body in found
    )


async def unanswered(database: Database) -> tuple[AccountAdjusted, ...]:
    """Return the requests for capital and coins that no service has answered. Raises Unreachable or StoreError."""
    async with database.connection() as connection:
        with asking(database.where):
            found = await connection.fetch(_UNANSWERED)
    return tuple(
        msgspec.structs.replace(msgspec.json.decode(body, type=AccountAdjusted), number=number)
        for number, body in found
    )


async def control_woken(database: Database) -> AsyncGenerator[None, None]:
    """Yield at once, whenever a command may have come, and once a second: poll then.

    It goes on while the database is away; what was posted meanwhile is found by the poll after it.
    """
    woken = asyncio.Event()
    connection: asyncpg.Connection[Any] | None = None
    try:
        while True:
            if connection is None or connection.is_closed():
                connection = await _listening(database, woken)
            woken.clear()
            yield
            try:
                await asyncio.wait_for(woken.wait(), _PATIENCE)
            except TimeoutError:
                continue
    finally:
        if connection is not None:
            connection.terminate()


async def _listening(database: Database, woken: asyncio.Event) -> "asyncpg.Connection[Any] | None":
    try:
        connection = await connect(database.url, database.settings)
        try:
            with asking(database.where):
                await connection.add_listener(CHANNEL, lambda *_: woken.set())
        except BaseException:
            connection.terminate()
            raise
        connection.add_termination_listener(lambda _: woken.set())
    except Unreachable:
        return None
    return connection
