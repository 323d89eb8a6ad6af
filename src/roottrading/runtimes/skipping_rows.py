"""Rows that candles left out would have written: signals, verdicts and failures, read from columns when asked for."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from roottrading.adapters.store.memory import MemoryStore
from roottrading.adapters.store.port import Loaded
from roottrading.domain.ids import verdict_id
from roottrading.domain.time import Time, duration
from roottrading.messages.service import Row, Table
from roottrading.messages.signals import SignalType
from roottrading.runtimes.search_columns import SymbolColumns
from roottrading.services.analyzer import WholeBlocks
from roottrading.services.analyzer.evaluation import KINDS
from roottrading.services.analyzer.plan import Plan, Stream
from roottrading.services.analyzer.state import COUNTERS, SIGNALS, FailureCount, SignalRow
from roottrading.services.signal_aggregator.formula import decimal_of
from roottrading.services.signal_aggregator.state import VERDICTS, VerdictRow


class LaterRows(Sequence[Any]):
    """Rows that are made when somebody first reads them: a run that nobody writes to files need not have them."""

    def __init__(self, make: Callable[[], list[Any]]) -> None:
        """Take who makes them."""
        self._make = make

    @cached_property
    def _rows(self) -> list[Any]:
        return self._make()

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._rows)

    def __getitem__(self, place: Any) -> Any:
        return self._rows[place]


class SkippingStore(MemoryStore):
    """A memory store whose signals, verdicts and failures are those of all candles, delivered or not."""

    def __init__(self, tables: Iterable[Table], plan: Plan, blocks: WholeBlocks, span: tuple[Time, Time]) -> None:
        """Take where the opinions come from; the run goes from after `span`'s first instant to its second."""
        super().__init__(tables)
        self._plan = plan
        self._blocks = blocks
        self._start, self._end = span
        self._symbols: tuple[SymbolColumns, ...] = ()
        self._threshold = 0
        self._timeframe = ""

    def know(self, symbols: Sequence[SymbolColumns], threshold: int, timeframe: str) -> None:
        """Take the verdicts of all symbols, in units of 1e-6, and from which strength on they are kept."""
        self._symbols = tuple(symbols)
        self._threshold = threshold
        self._timeframe = timeframe

    def journal(self, table: Table) -> Iterable[Struct]:
        """Return the table's records; those of signals and verdicts are made when they are read."""
        if table.name == SIGNALS:
            return LaterRows(self._signals)
        if table.name == VERDICTS:
            return LaterRows(self._verdicts)
        return super().journal(table)

    def load(self) -> Loaded:
        """Return what was kept, failures counted over all candles."""
        loaded = super().load()
        failed = tuple(Row(COUNTERS, (count.strategy, count.kind), count) for count in self._failed())
        return replace(loaded, rows={**loaded.rows, COUNTERS: failed})

    def _streams(self) -> list[Stream]:
        return [(symbol, timeframe) for symbol in self._plan.symbols for timeframe in self._plan.timeframes]

    def _signals(self) -> list[SignalRow]:
        return [
            row
            for stream in self._streams()
            for row in self._blocks.signals(stream)
            if self._start < row.timestamp <= self._end
        ]

    def _verdicts(self) -> list[VerdictRow]:
        """Return every verdict at or above the threshold; votes come with those that were delivered in time."""
        delivered: dict[Any, Any] = self._records[VERDICTS]
        rows = []
        for columns in self._symbols:
            symbol, verdicts = columns.symbol, columns.verdicts
            strong = np.flatnonzero(np.abs(verdicts.value) >= self._threshold)
            for at, value, complete in zip(
                verdicts.at[strong].tolist(),
                verdicts.value[strong].tolist(),
                verdicts.complete[strong].tolist(),
                strict=True,
            ):
                number = verdict_id(symbol, at)
                known = delivered.get((number,))
                if known is None or known.late:
                    side: SignalType = "BUY" if value > 0 else "SELL"
                    known = VerdictRow(
                        number,
                        symbol,
                        self._timeframe,
                        side,
                        decimal_of(abs(value)),
                        at,
                        decimal_of(value),
                        complete,
                        False,
                        (),
                    )
                rows.append(known)
        return rows

    def _failed(self) -> list[FailureCount]:
        found: dict[tuple[str, str], FailureCount] = {}
        for stream in self._streams():
            for columns in self._blocks.opinions(stream):
                for mark, kind in KINDS.items():
                    if kind not in columns.failures:
                        continue
                    at = columns.at[columns.marks == mark]
                    at = at[(at > self._start) & (at <= self._end)]
                    if len(at):
                        _, failure = columns.failures[kind]
                        name = columns.placement.use.name
                        place = (failure.file, failure.line, failure.reason, *stream, int(at[0]))
                        count = FailureCount(name, kind, len(at), *place)
                        known = found.get((name, kind))
                        found[name, kind] = count if known is None else _both(known, count)
        return list(found.values())


def _both(one: FailureCount, other: FailureCount) -> FailureCount:
    """Return the earlier failure with the count of both: at one T by symbol, then the longest timeframe first."""
    first = min(one, other, key=lambda failure: (failure.first_at, failure.symbol, -duration(failure.timeframe)))
    return replace(first, count=one.count + other.count)
