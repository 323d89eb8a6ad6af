"""What seven services noted, put together: for every order the way of the frame that led to it, hop by hop.

Times are of the wall, so services of several machines are as comparable as these machines' clocks.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Final

from msgspec import Struct

from roottrading.domain.time import Time
from roottrading.messages.channels import MARKET, SIGNALS_AGGREGATED, SIGNALS_RAW, TRADE_COMMANDS
from roottrading.runtimes.distributed.observing import INSTANT, Mark, Worked

HOPS: Final = (
    "gateway: candle",
    "Redis to analyzer",
    "analyzer: opinions",
    "analyzer: commit",
    "Redis to signal aggregator",
    "signal aggregator: verdict",
    "signal aggregator: commit",
    "Redis to coordinator",
    "coordinator: command",
    "coordinator: commit",
    "Redis to trader",
    "trader: request",
    "trader: commit",
    "trader: sending",
    "exchange, until its first answer",
)


class Batch(Struct, frozen=True):
    """A batch by the wall's clock, in nanoseconds."""

    began: int
    decided: int
    committed: int
    asked: int
    shard: int
    taken: tuple[Mark, ...]
    left: tuple[Mark, ...]


class Way(Struct, frozen=True):
    """How long each of `HOPS` took on the way to one command's first request, in nanoseconds; `at` is its T."""

    symbol: str
    at: Time
    sequence: int  # of the command
    hops: tuple[int, ...]

    @property
    def total(self) -> int:
        """From the candle's reaching the gateway to the exchange's answer."""
        return sum(self.hops)


def batches(wall_ns: int, worked: Iterable[Worked]) -> list[Batch]:
    """Return a service's trace by the wall's clock."""
    found = []
    for each in worked:
        began, decided, committed, asked, _ = (wall_ns + at for at in each.times)
        taken, left = (tuple((name, number) for name, number in marks) for marks in (each.taken, each.left))
        found.append(Batch(began, decided, committed, asked, each.shard, taken, left))
    return found


def ways(traces: Mapping[str, Sequence[Batch]], finest: str) -> list[Way]:
    """Return the ways that can be followed from end to end, by T; `traces` are by service."""
    left = {name: _index(found, of_left=True) for name, found in traces.items()}
    taken = {name: _index(found, of_left=False) for name, found in traces.items()}
    found = []
    for asking in traces["trader"]:
        commands = [mark for mark in asking.taken if mark[0].startswith(TRADE_COMMANDS)]
        if not commands or not any(_is_of_exchange(mark) for mark in asking.left):
            continue
        command = commands[0]
        symbol = command[0].partition("/")[2]
        ordering = left["coordinator"].get(command)
        at = None if ordering is None else next((number for name, number in ordering.taken if name == INSTANT), None)
        answer = _answer(traces["trader"], asking)
        if ordering is None or at is None or answer is None:
            continue
        verdict = (f"{SIGNALS_AGGREGATED}/{symbol}", at)
        gateway = left["gateway"].get((f"{MARKET}/{symbol}/{finest}", at))
        analyzer = left["analyzer"].get((f"{SIGNALS_RAW}/{symbol}/{finest}", at))
        aggregator = left["signal_aggregator"].get(verdict)
        hearing = taken["coordinator"].get(verdict)
        if gateway and analyzer and aggregator and hearing:
            points = (
                *(gateway.began, gateway.decided),  # it commits when the candle is on its way
                *(analyzer.began, analyzer.decided, analyzer.committed),
                *(aggregator.began, aggregator.decided, aggregator.committed),
                *(hearing.began, ordering.decided, ordering.committed),
                *(asking.began, asking.decided, asking.committed, asking.asked, answer.began),
            )
            hops = tuple(after - before for before, after in pairwise(points))
            found.append(Way(symbol, at, command[1], hops))
    return sorted(found, key=lambda way: (way.at, way.symbol, way.sequence))


def _index(found: Sequence[Batch], of_left: bool) -> dict[Mark, Batch]:
    """Return the first batch that took, or let leave, each mark."""
    index: dict[Mark, Batch] = {}
    for batch in found:
        for mark in batch.left if of_left else batch.taken:
            index.setdefault(mark, batch)
    return index


def _answer(found: Sequence[Batch], asking: Batch) -> Batch | None:
    """Return the unit's first batch after the requests left that took something of the exchange's."""
    later = (each for each in found if each.shard == asking.shard and each.began >= asking.asked)
    return next((each for each in later if any(_is_of_exchange(mark) for mark in each.taken)), None)


def _is_of_exchange(mark: Mark) -> bool:
    """Say whether a mark is of a request or an event: a client order id, and no message's stream."""
    name = mark[0]
    return bool(name) and "/" not in name and name != INSTANT
