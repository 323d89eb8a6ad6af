"""Past the quarantine to the service; and what it raised on into the quarantine, with its symbol paused."""

import logging
import traceback
from collections.abc import Awaitable, Callable
from typing import Final

from roottrading.adapters.store.port import Commit, Control, UnitStore
from roottrading.domain.time import Time
from roottrading.messages.envelope import Envelope
from roottrading.messages.events import AlertRaised
from roottrading.messages.service import ControlChanged, Input, Row
from roottrading.runtimes.distributed.quarantine import QUARANTINE, Poisoned, Quarantine, Quarantined, SetAside
from roottrading.runtimes.distributed.sharding import unit_name
from roottrading.runtimes.recording import ALERTS
from roottrading.runtimes.step import Effects, Gap, Unit, step

WHO: Final = "quarantine"
_LOG: Final = logging.getLogger(__name__)

Post = Callable[[Control], Awaitable[int]]


def decide(unit: Unit, quarantine: Quarantine, given: Input, at: Time, done: Effects) -> None:
    """Step the unit with an input, unless it waits. Raises Gap, and Poisoned where the service raises."""
    highest = 0
    if quarantine:
        if isinstance(given, Envelope):
            highest = unit.seen.get((given.source, given.stream), 0)
        passed = quarantine.pass_on(given, at, done.rows)
        if passed is None:
            return
        given = passed
    try:
        step(unit, given, at, done)
    except Gap:
        raise
    except Exception as error:
        raise Poisoned(given, error) from error
    if highest and isinstance(given, Envelope):
        position = (given.source, given.stream)
        unit.seen[position] = max(highest, unit.seen[position])  # a dead letter comes behind what replaced it


async def keep_aside(
    unit: Unit, quarantine: Quarantine, poisoned: Poisoned, store: UnitStore, post: Post | None, at: Time
) -> None:
    """Have the symbol buy nothing more, keep what was raised on, and raise SetAside: the unit is to be loaded afresh.

    Raises the service's own error where the input belongs to no symbol: nobody goes on beyond it.
    """
    error = f"{poisoned} ({_place(poisoned.error)})"
    kept = quarantine.set_aside(poisoned, error, at)
    if not kept:
        raise poisoned.error
    name = unit_name(unit.role, unit.shard)
    _LOG.error("%s cannot process %s", name, kept[0].envelope, exc_info=poisoned.error)
    rows: list[Row] = []
    for each in kept:
        stopped = each.kind != "dead letter"
        if stopped and post is not None:
            why = f"{name} cannot process {_named(each)}"
            await post(ControlChanged(0, "pause", "trading", each.symbol, "", WHO, why))
        rows += () if stopped else quarantine.surplus()
        rows += (Row(QUARANTINE.name, (each.source, each.stream, each.sequence), each), _alert(name, each, stopped, at))
    await store.commit(Commit(rows=rows))
    raise SetAside(f"{name} cannot process {_named(kept[0])}: {error}; it is in the quarantine")


def _alert(name: str, kept: Quarantined, stopped: bool, at: Time) -> Row:
    what = f"{kept.symbol} is paused until a person answers" if stopped else "the next one replaces it"
    text = f"{name} cannot process {_named(kept)}: {kept.error}; {what} (`roottrading quarantine list`)"
    alert = AlertRaised("critical" if stopped else "warning", WHO, text, kept.symbol if stopped else "", at)
    return Row(ALERTS.name, (f"{WHO}:{name}:{kept.stream}", kept.sequence, 0), alert)


def _named(kept: Quarantined) -> str:
    if kept.kind == "exchange":
        return f"what the exchange says of {kept.symbol}"
    return f"{kept.stream} {kept.sequence} of {kept.source}"


def _place(error: Exception) -> str:
    """Return the file and line that raised."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else "nowhere"
