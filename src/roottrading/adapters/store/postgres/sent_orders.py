"""What was ever sent to the exchange, as the ledger in the database has it (design 5: the ledger of ids is ours)."""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from roottrading.adapters.store.postgres.connecting import connect
from roottrading.adapters.store.postgres.errors import asking, shown
from roottrading.adapters.store.postgres.migrations.revisions import require_head
from roottrading.adapters.store.postgres.settings import PostgresSettings

_SENT: Final = """
SELECT sent.client_order_id, coalesce(placed.binance_order_id, -1) FROM client_order_ids sent
LEFT JOIN orders placed ON placed.client_order_id = sent.client_order_id
WHERE sent.client_order_id = ANY ($1::text[])"""
_CYCLES: Final = "SELECT id FROM trade_cycles WHERE symbol = ANY ($1::text[])"


class SentOrders(Struct, frozen=True):
    """Ids that were sent, with the exchange's number of each (negative: not known), and the ids of all cycles."""

    numbers: Mapping[str, int]
    cycles: Sequence[str]


async def sent_orders(
    url: str, settings: PostgresSettings, client_order_ids: Sequence[str], symbols: Sequence[str]
) -> SentOrders:
    """Return which of these ids were sent, and the cycles in these symbols. Raises Unreachable or StoreError."""
    connection = await connect(url, settings)
    try:
        with asking(shown(url)):
            await require_head(connection, shown(url))
            numbers = dict(await connection.fetch(_SENT, list(client_order_ids)))
            cycles = [cycle for (cycle,) in await connection.fetch(_CYCLES, list(symbols))]
            return SentOrders(numbers, cycles)
    finally:
        connection.terminate()
