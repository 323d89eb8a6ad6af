"""The order and number of the exchange's words does not matter, nor does being loaded anew before each of them."""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from roottrading.messages.commands import CloseTradeCycle, MoveStop
from roottrading.messages.exchange import ExchangeEvent, ExchangeReply
from roottrading.messages.service import Input
from tests.unit.services.trader.bench import INSTRUMENT, SECOND, SYMBOL, Bench, T, cycle, leg, opening

D = Decimal
Script = Callable[[Bench], None]


def close_by_verdict(bench: Bench) -> None:
    bench.command(opening())
    bench.advance(SECOND)
    bench.command(CloseTradeCycle(cycle(), SYMBOL, "verdict"))


def unfilled(bench: Bench) -> None:
    bench.exchange.fills["e"] = [D(0)]
    bench.command(opening())


def target_whole(bench: Bench) -> None:
    bench.command(opening())
    bench.advance(SECOND)
    bench.happen(bench.exchange.fill(leg("t"), D("0.999")))


def target_in_parts(bench: Bench) -> None:
    bench.command(opening())
    bench.advance(SECOND)
    bench.happen(bench.exchange.fill(leg("t"), D("0.25")))


def target_in_parts_at_one_instant(bench: Bench) -> None:
    bench.command(opening())
    bench.advance(SECOND)
    bench.happen([*bench.exchange.fill(leg("t"), D("0.25")), *bench.exchange.fill(leg("t"), D("0.749"))])


def stop_in_parts(bench: Bench) -> None:
    bench.command(opening())
    bench.exchange.fills["x"] = [D("0.5"), D("0.5"), D(1)]
    bench.advance(SECOND)
    stopped = bench.exchange.fill(leg("s"), D("0.2")) + bench.exchange.fill(leg("s"), D("0.2"))
    bench.happen([*stopped, *bench.exchange.end(leg("s"), "EXPIRED", "INSUFFICIENT_LIQUIDITY")])
    bench.advance(10 * SECOND)


def ioc_in_parts(bench: Bench) -> None:
    bench.exchange.base_free += 5
    bench.exchange.fills["e"] = [D("0.7")]
    bench.give(bench.exchange.account())
    bench.command(opening())
    bench.advance(SECOND)
    bench.command(MoveStop(cycle(), SYMBOL, D(99)))
    bench.happen(bench.exchange.fill(leg("s", 2), D("0.699")))


def resting_in_parts(bench: Bench) -> None:
    bench.command(opening(entry_limit="99.50", entry_timeout_at=T + 60 * SECOND))
    bench.advance(SECOND)
    bench.happen(bench.exchange.fill(leg("e"), D("0.3")))
    bench.advance(SECOND)
    bench.happen(bench.exchange.fill(leg("e"), D("0.3")))
    bench.advance(60 * SECOND)
    bench.command(CloseTradeCycle(cycle(), SYMBOL, "verdict"))


def refused_protection(bench: Bench) -> None:
    bench.exchange.refusals["pending"] = [(-2010, "")]
    bench.command(opening())


def stop_killed_twice(bench: Bench) -> None:
    bench.command(opening())
    bench.advance(SECOND)
    bench.happen(bench.exchange.cancel(leg("s")))
    bench.advance(SECOND)
    bench.happen(bench.exchange.cancel(leg("s", 2)))


def lost_answers(bench: Bench) -> None:
    bench.exchange.outages = {"l": ["after"], "x": ["before", "after"]}
    bench.command(opening())
    bench.advance(20 * SECOND)
    bench.command(CloseTradeCycle(cycle(), SYMBOL, "verdict"))
    bench.advance(40 * SECOND)


def half_done(bench: Bench) -> None:
    bench.command(opening())
    bench.exchange.refusals["x"] = [(-2021, "Order cancel-replace partially failed.")]
    bench.command(CloseTradeCycle(cycle(), SYMBOL, "verdict"))


SCRIPTS: tuple[Script, ...] = (
    close_by_verdict,
    unfilled,
    target_whole,
    target_in_parts,
    target_in_parts_at_one_instant,
    stop_in_parts,
    ioc_in_parts,
    resting_in_parts,
    refused_protection,
    stop_killed_twice,
    lost_answers,
    half_done,
)


def disorder(seed: int) -> Callable[[Sequence[ExchangeEvent]], list[ExchangeEvent]]:
    """Return a way to repeat any event and to shuffle them all: reply and stream race, and both say everything."""
    dice = Random(seed)

    def arrange(events: Sequence[ExchangeEvent]) -> list[ExchangeEvent]:
        said = [event for event in events for _ in range(dice.choice((1, 1, 2, 3)))]
        dice.shuffle(said)
        return said

    return arrange


def bundled(seed: int) -> Callable[[Sequence[ExchangeEvent]], Iterable[Input]]:
    """Return a way to give neighbors in one reply, as they happen to reach us."""
    dice = Random(seed)

    def arrange(events: Sequence[ExchangeEvent]) -> list[Input]:
        replies: list[Input] = []
        at = 0
        while at < len(events):
            size = dice.randint(1, len(events))
            replies.append(ExchangeReply(tuple(events[at : at + size])))
            at += size
        return replies

    return arrange


def outcome(bench: Bench) -> dict[str, Any]:
    """Return what must not depend on order or number of events."""
    statuses = [moved for moved in bench.moves if moved[0] != "closing"]
    return {
        "orders": bench.records("orders"),
        "fills": bench.records("fills"),
        "dust": bench.dust,
        "moves": statuses,
        "open": bench.records("executions").keys(),
        "refusals": bench.refusals,
    }


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.__name__)
@settings(max_examples=40, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32))
def test_events_repeated_and_shuffled_end_the_same(script: Script, seed: int) -> None:
    plain, disordered = Bench(), Bench(arrange=disorder(seed))
    script(plain)
    script(disordered)
    assert outcome(disordered) == outcome(plain)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.__name__)
@settings(max_examples=20, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32), shuffled=st.booleans())
def test_events_told_at_once_end_as_told_one_by_one(script: Script, seed: int, shuffled: bool) -> None:
    shuffle, bundle = disorder(seed), bundled(seed)
    plain = Bench()
    together = Bench(arrange=lambda events: bundle(shuffle(events) if shuffled else events))
    script(plain)
    script(together)
    assert outcome(together) == outcome(plain)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.__name__)
def test_loaded_anew_before_each_input_it_decides_the_same(script: Script) -> None:
    """The law of restore: after `restore(all current rows)` a fresh trader continues identically."""
    plain, restarting = Bench(), Bench(restarting=True)
    script(plain)
    script(restarting)
    assert restarting.messages == plain.messages
    assert restarting.requests == plain.requests
    assert restarting.rows == plain.rows
    assert restarting.deadlines == plain.deadlines


@pytest.mark.parametrize("flag", ["opo_allowed", "oco_allowed", "oto_allowed", "cancel_replace_allowed"])
@pytest.mark.parametrize("script", [close_by_verdict, target_in_parts, stop_in_parts], ids=lambda s: s.__name__)
def test_every_path_ends_flat_with_each_flag_off(script: Script, flag: str) -> None:
    instrument = replace(INSTRUMENT, **{flag: False})
    if flag == "oco_allowed" and script is target_in_parts:
        return  # there is no target at the exchange then
    bench = Bench(instrument)
    script(bench)
    assert bench.status == "closed"
    assert sum((f.quantity for f in bench.fills if f.side == "SELL"), D(0)) == D("0.999")
