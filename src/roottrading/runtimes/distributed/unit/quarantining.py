"""Past the quarantine to the service; and what it raised on into the quarantine, with its symbol paused."""

import logging
import traceback
from collections.abc import Awaitable, Callable
from typing import Final

from roottrading.adapters.store.port import Commit, Control, QuarantineAnswered, UnitStore
from roottrading.domain.time import MINUTE, Time
from roottrading.messages.envelope import Envelope
from roottrading.messages.events import AlertRaised
from roottrading.messages.service import ControlChanged, DeadlineDue, Input, Row
from roottrading.runtimes.deadlines import Deadlines
from roottrading.runtimes.distributed.sharding import ROLE, symbol_of, unit_name
from roottrading.runtimes.distributed.unit.quarantine import Quarantine, SetAside
from roottrading.runtimes.distributed.unit.quarantined import (
    CLOCK,
    QUARANTINE,
    Poisoned,
    Quarantined,
    deadline_of,
    records_of,
)
from roottrading.runtimes.recording import ALERTS
from roottrading.runtimes.step import Effects, Gap, Unit, step

WHO: Final = "quarantine"
POSTPONED: Final = MINUTE  # a deadline that a person has to answer for
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

    Where time is what was raised on, all symbols that it may be about buy nothing more. Raises the service's own error
    where nobody can go on without the input: a person's command, what is known of the whole account.
    """
    error = f"{poisoned} ({_place(poisoned.error)})"
    kept = records_of(poisoned.given, error, at)
    if not kept:
        raise poisoned.error
    name = unit_name(unit.role, unit.shard)
    _LOG.error("%s cannot process %s", name, kept[0].envelope, exc_info=poisoned.error)
    rows: list[Row] = []
    for each in kept:
        stopped = each.kind != "dead letter"
        if stopped and post is not None:
            why = f"{name} cannot process {_named(each)}"
            for symbol in _to_pause(unit, each):
                await post(ControlChanged(0, "pause", "trading", symbol, "", WHO, why))
        rows += () if stopped else quarantine.surplus()
        rows += (Row(QUARANTINE.name, each.key, each), _alert(name, each, _to_pause(unit, each) if stopped else (), at))
    await store.commit(Commit(rows=rows))
    raise SetAside(f"{name} cannot process {_named(kept[0])}: {error}; it is in the quarantine")


def put_off(quarantine: Quarantine, deadlines: Deadlines, role: str, key: str, now: Time) -> bool:
    """Have a deadline come later where a person has to answer for it; say whether it was so."""
    if not quarantine.stops(DeadlineDue(key)):
        return False
    quarantine.put_off[key] = now + POSTPONED
    deadlines.set(role, key, now + POSTPONED)
    return True


def answer(
    quarantine: Quarantine, deadlines: Deadlines, role: str, answered: QuarantineAnswered, rows: list[Row]
) -> tuple[str, str] | None:
    """Do as a person says; return whose place moved. A deadline that is gone on without does not come any more."""
    key = deadline_of(answered.stream) if answered.source == CLOCK else None
    if key is not None and answered.action == "resolve" and (role, key, quarantine.put_off.get(key)) in deadlines.all():
        deadlines.set(role, key, None)
    return quarantine.answer(answered, rows)


def _to_pause(unit: Unit, kept: Quarantined) -> tuple[str, ...]:
    """Return the symbols that something may be about; "" stands for all that there are."""
    if kept.kind != "clock":
        return (kept.symbol,)
    heard = {symbol_of(stream) for _, stream in unit.seen}
    return tuple(sorted(heard)) if heard and ROLE[unit.role].sharding == "by symbol" else ("",)


def _alert(name: str, kept: Quarantined, paused: tuple[str, ...], at: Time) -> Row:
    what = "the next one replaces it"
    if paused:
        what = f"{', '.join(paused) or 'everything'} is paused until a person answers"
    text = f"{name} cannot process {_named(kept)}: {kept.error}; {what} (`roottrading quarantine list`)"
    alert = AlertRaised("critical" if paused else "warning", WHO, text, "".join(paused[:1]), at)
    place = at if kept.kind == "clock" else kept.sequence
    return Row(ALERTS.name, (f"{WHO}:{name}:{kept.stream}", place, 0), alert)


def _named(kept: Quarantined) -> str:
    if kept.kind == "exchange":
        return f"what the exchange says of {kept.symbol}"
    if kept.kind == "clock":
        key = deadline_of(kept.stream)
        return "the end of an instant" if key is None else f"the deadline {key}"
    return f"{kept.stream} {kept.sequence} of {kept.source}"


def _place(error: Exception) -> str:
    """Return the file and line that raised."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else "nowhere"
