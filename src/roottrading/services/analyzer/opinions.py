"""The port behind which opinions are computed: candle by candle, or block by block for a whole tape, the same bits."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Protocol

from msgspec import Struct

from roottrading.domain.money import ZERO
from roottrading.domain.time import Time
from roottrading.messages.market import CandleAbsent, CandleClosed
from roottrading.messages.service import Row
from roottrading.messages.signals import Opinion
from roottrading.services.analyzer.evaluation import Failure
from roottrading.services.analyzer.plan import Stream


class Evaluated(Struct, frozen=True, gc=False):
    """All that is computed of one stream's candle of T; `opinions` are in the plan's order.

    `began` names the opinions, by index, that changed direction with this candle, where the port knows the whole tape;
    all opinions then carry their signals' ids. None: whoever asks sees every candle himself. `failures` names those
    that have state "failed".
    """

    opinions: tuple[Opinion, ...]
    began: tuple[int, ...] | None = None
    failures: tuple[tuple[int, Failure], ...] = ()
    atr: Decimal | None = None
    regime: str = ""
    quote_volume: Decimal = ZERO
    day_quote_volume: Decimal = ZERO


class Opinions(Protocol):
    """Computes opinions; pure, and of anchored windows only (trading-rules 4.3)."""

    def restore(self, rows: Iterable[Row]) -> None:
        """Take candles from `market_data` rows and what the port itself gave as rows."""

    def take(self, given: CandleClosed | CandleAbsent) -> tuple[Row, ...]:
        """Learn of a closed candle, or that there was none; returns what must be kept of it."""

    def ready(self, stream: Stream, at: Time) -> bool:
        """Say whether the candles of T of all inputs of the stream are in (trading-rules 4.1)."""

    def at(self, stream: Stream, at: Time) -> Evaluated:
        """Evaluate the stream's candle of T, which was taken before."""

    def state(self) -> Mapping[str, Mapping[Any, Any]]:
        """Return what is known, for comparison."""
