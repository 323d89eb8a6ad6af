"""Which rows a unit's words and requests leave beside its own: kept in the same transaction."""

from collections.abc import Iterable, Sequence
from typing import Final

from roottrading.adapters.store.account_rows import TABLES as ACCOUNT_TABLES
from roottrading.adapters.store.account_rows import account_rows, sent_ids
from roottrading.messages.envelope import Envelope
from roottrading.messages.events import PortfolioUpdated
from roottrading.messages.exchange import Request
from roottrading.messages.market import CandleClosed
from roottrading.messages.service import Row, Table
from roottrading.runtimes.assembly import ALL_TABLES
from roottrading.runtimes.recording import MAY_HOLD_FACTS, record
from roottrading.services.gateway.state import MARKET_DATA

TABLES: Final[tuple[Table, ...]] = (*ALL_TABLES, *ACCOUNT_TABLES)


def note(envelopes: Iterable[tuple[str, Envelope]], requests: Sequence[Request], rows: list[Row]) -> None:
    """Add the rows that messages and requests leave."""
    for _, envelope in envelopes:
        body = envelope.body
        kind = type(body)
        if kind in MAY_HOLD_FACTS:
            record(envelope, rows)
        elif isinstance(body, CandleClosed):
            candle = body.candle
            rows.append(Row(MARKET_DATA, (candle.symbol, candle.timeframe, candle.open_time), candle))
        elif isinstance(body, PortfolioUpdated):
            rows.extend(account_rows(body))
    if requests:
        rows.extend(sent_ids(requests))
