"""Open cycles at closed candles: target at the close, `manage`, trailing (trading-rules 1.9, 4.2)."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from roottrading.domain.instrument import Instrument
from roottrading.domain.money import ZERO, ceil_to, floor_to, quotient
from roottrading.domain.position import Manager, Position
from roottrading.domain.time import duration
from roottrading.messages.signals import AggregatedSignal, Opinion
from roottrading.services.coordinator.settings import CoordinatorSettings, TrailingSettings
from roottrading.services.coordinator.state import OpenCycle

STEP_IN_TICKS: Final = 2
STEP_IN_ATR: Final = Decimal("0.25")


class Outcome(Struct, frozen=True, gc=False):
    """What a closed candle does to a cycle: its record, and the exit, or else the stop, to be asked for.

    `fault` is what a manager did wrong, in words; the position is then left as it was.
    """

    cycle: OpenCycle
    exit: str = ""
    stop: Decimal | None = None
    fault: str = ""


class _Wanted(Struct, frozen=True, gc=False):
    """A manager's wish, checked and on the tick."""

    exit: str = ""
    stop: Decimal | None = None
    target: Decimal | None = None
    fault: str = ""


_NOTHING: Final = _Wanted()


def manage(
    cycle: OpenCycle,
    verdict: AggregatedSignal,
    close: Decimal,
    managers: Mapping[str, Manager],
    instrument: Instrument,
    settings: CoordinatorSettings,
) -> Outcome:
    """Decide on an open cycle at the close of T, T after its entry; at most one change of its stop a candle."""
    cycle, wanted = _wanted(cycle, verdict, close, managers, instrument)
    fault = "" if cycle.manage_failed else wanted.fault
    if fault:
        cycle = replace(cycle, manage_failed=True)
    if wanted.exit:
        return Outcome(cycle, f"manage: {wanted.exit}", None, fault)
    step = step_of(cycle, instrument)
    stop, loose = _tighter(cycle.stop_price, wanted.stop, step)
    if settings.trailing is not None and cycle.atr is not None:
        if close > cycle.trail_high:
            cycle = replace(cycle, trail_high=close)
        stop = max(stop, _tighter(cycle.stop_price, trailing_stop(cycle, settings.trailing, instrument), step)[0])
    target, small = _other(cycle.target_price, wanted.target, step)
    return _changed(cycle, close, (stop, target), loose + small, fault, instrument.tick_size)


def _wanted(
    cycle: OpenCycle,
    verdict: AggregatedSignal,
    close: Decimal,
    managers: Mapping[str, Manager],
    instrument: Instrument,
) -> tuple[OpenCycle, _Wanted]:
    manager = managers.get(cycle.strategy)
    if manager is None or verdict.at % duration(cycle.timeframe):
        return cycle, _NOTHING
    opinion = _opinion(cycle, verdict)
    if opinion is None:
        return cycle, _NOTHING
    if close > cycle.highest_close:
        cycle = replace(cycle, highest_close=close)
    return cycle, _ask(manager, cycle, opinion, instrument)


def _tighter(stop: Decimal, wanted: Decimal | None, step: Decimal) -> tuple[Decimal, int]:
    """Return the stop, moved where the wish is tighter by a step; and 1 where a wish was ignored."""
    if wanted is None or wanted == stop:
        return stop, 0
    return (wanted, 0) if wanted - stop >= step else (stop, 1)


def _other(target: Decimal | None, wanted: Decimal | None, step: Decimal) -> tuple[Decimal | None, int]:
    """Return the target, moved where the wish is a step away; and 1 where a wish was ignored."""
    if wanted is None or wanted == target:
        return target, 0
    return (wanted, 0) if target is None or abs(wanted - target) >= step else (target, 1)


def _changed(
    cycle: OpenCycle, close: Decimal, wanted: tuple[Decimal, Decimal | None], ignored: int, fault: str, tick: Decimal
) -> Outcome:
    stop, target = wanted
    retargeted = target != cycle.target_price
    in_list = cycle.target_price is not None and not cycle.held_target
    if retargeted and in_list:
        stop = ceil_to(stop, tick)  # it rests anew, never looser; and the tick may have changed since
    moved = stop != cycle.stop_price
    list_given_up = (moved or retargeted) and in_list
    if moved or retargeted or ignored:
        held = cycle.held_target or moved or retargeted
        cycle = replace(cycle, stop_price=stop, target_price=target, held_target=held, ignored=cycle.ignored + ignored)
    if cycle.held_target and target is not None and close >= target:
        return Outcome(cycle, "target", None, fault)
    return Outcome(cycle, "", stop if moved or list_given_up else None, fault)


def trailing_stop(cycle: OpenCycle, trailing: TrailingSettings, instrument: Instrument) -> Decimal | None:
    """Return where the trailing stop would be, None before it starts; the entry price is exact: paid over bought."""
    if cycle.atr is None or not cycle.bought:
        return None
    start = cycle.paid + trailing.start * (cycle.paid - cycle.initial_stop * cycle.bought)
    if cycle.trail_high * cycle.bought < start:
        return None
    price = cycle.trail_high - trailing.distance * cycle.atr
    return floor_to(price, instrument.tick_size) if price > 0 else None


def step_of(cycle: OpenCycle, instrument: Instrument) -> Decimal:
    """Return the least change of a stop or target that is made."""
    ticks = STEP_IN_TICKS * instrument.tick_size
    return ticks if cycle.atr is None else max(ticks, STEP_IN_ATR * cycle.atr)


def position_of(cycle: OpenCycle) -> Position:
    """Return the cycle as a strategy sees it."""
    return Position(
        cycle.symbol,
        cycle.held,
        quotient(cycle.paid, cycle.bought),
        cycle.stop_price,
        cycle.target_price,
        cycle.opened_at,
        cycle.highest_close,
    )


def _opinion(cycle: OpenCycle, verdict: AggregatedSignal) -> Opinion | None:
    for vote in verdict.votes:
        if vote.opinion.strategy == cycle.strategy and vote.timeframe == cycle.timeframe:
            return vote.opinion if vote.opinion.state == "ok" else None
    return None


def _ask(manager: Manager, cycle: OpenCycle, opinion: Opinion, instrument: Instrument) -> _Wanted:
    """Ask a user's code: whatever it raises or returns, the position keeps its stop and the others go on."""
    try:
        wish = manager.manage(position_of(cycle), opinion.row)
        for name, price in (("stop", wish.stop), ("target", wish.target)):
            if price is not None and not _is_price(price):
                fault = f"manage of {cycle.strategy} returned the {name} {price!r}: give a Decimal above 0"
                return _Wanted(fault=fault)
        stop = None if wish.stop is None else floor_to(wish.stop, instrument.tick_size)
        target = None if wish.target is None else ceil_to(wish.target, instrument.tick_size)
        return _Wanted(str(wish.exit or ""), stop, target)
    except (Exception, SystemExit) as error:
        return _Wanted(fault=f"manage of {cycle.strategy} raised {type(error).__name__}: {error}")


def _is_price(given: object) -> bool:
    return isinstance(given, Decimal) and given.is_finite() and given > ZERO
