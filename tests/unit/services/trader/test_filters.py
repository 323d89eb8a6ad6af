"""Filters that change while something is under way: what they refuse now keeps the stop it has (docs/adr/0012)."""

from typing import Any

import pytest
from msgspec.structs import replace

from roottrading.messages.commands import CloseTradeCycle, MoveStop
from roottrading.messages.events import TOO_SMALL_TO_SELL
from roottrading.messages.exchange import InstrumentChanged
from tests.unit.services.trader.bench import INSTRUMENT, SECOND, SYMBOL, Bench, D, T, cycle, leg, opening

COARSER = replace(INSTRUMENT, step_size=D("0.1"), min_quantity=D("0.1"))
DEARER = replace(INSTRUMENT, min_notional=D(500))  # than the 0.999 held, bought at 100
WAITS = ("CloseTradeCycle", TOO_SMALL_TO_SELL)


def change(bench: Bench, **changes: Any) -> None:
    bench.give(InstrumentChanged(SYMBOL, "", bench.now, "TRADING", replace(INSTRUMENT, **changes)))


def too_small(**filled: Any) -> Bench:
    """0.999 held under a stop at 98 and a target at 104, of which the filters take no order any more."""
    bench = Bench()
    bench.filled(**filled)
    change(bench, min_notional=D(500))
    return bench


def close(bench: Bench, price: str | None = None) -> None:
    command = CloseTradeCycle(cycle(), SYMBOL, "verdict")
    if price is not None:
        command = replace(command, expects=("opening", "open", "closing"), price=D(price))
    bench.command(command)


def sold(bench: Bench) -> Any:
    return sum((fill.quantity for fill in bench.fills if fill.side == "SELL"), D(0))


def statuses(bench: Bench, *legs: str) -> list[str]:
    return [bench.orders[name].status for name in legs]


def rests_untouched(bench: Bench) -> bool:
    """Nothing was asked of the exchange since the entry, and the stop is there."""
    return bench.asked(1) == [] and bench.orders["s1"].status == "NEW"


# ---- filters are adopted


def test_an_exit_goes_by_the_filters_that_were_told_last() -> None:
    bench = Bench()
    bench.filled()
    bench.give(InstrumentChanged(SYMBOL, "", T, "TRADING", COARSER))
    close(bench)
    assert sold(bench) == D("0.9")
    assert bench.moves[-1] == ("closed", "verdict")


def test_a_status_that_comes_with_new_filters_is_noted() -> None:
    bench = Bench()
    bench.filled()
    bench.give(InstrumentChanged(SYMBOL, "", T, "HALT", replace(COARSER, status="HALT")))
    assert bench.alerts == ["market_status"]


def test_filters_that_are_the_same_change_nothing() -> None:
    bench = Bench()
    bench.filled()
    change(bench)
    assert not bench.records("trader_instruments")


def test_changed_filters_outlive_the_trader() -> None:
    bench = Bench()
    bench.filled()
    bench.give(InstrumentChanged(SYMBOL, "", T, "TRADING", COARSER))
    assert bench.records("trader_instruments") == {(SYMBOL,): COARSER}
    assert bench.restored().state() == bench.trader.state()


# ---- a least notional above the whole position


def test_a_position_that_became_too_small_keeps_its_stop_and_is_told_of_once() -> None:
    bench = too_small()
    change(bench, min_notional=D(600))
    assert rests_untouched(bench)
    assert (bench.status, bench.alerts) == ("open", ["position_too_small"])


def test_it_is_told_of_again_where_it_becomes_too_small_again() -> None:
    bench = too_small()
    change(bench)
    change(bench, min_notional=D(500))
    assert bench.alerts == ["position_too_small"] * 2


@pytest.mark.parametrize("together", [True, False])
def test_its_stop_is_not_moved_before_the_filters_take_the_new_one(together: bool) -> None:
    bench = Bench(replace(INSTRUMENT, cancel_replace_allowed=together))
    bench.filled()
    change(bench, cancel_replace_allowed=together, min_notional=D(500))
    for price in ("99", "99.50"):
        bench.command(MoveStop(cycle(), SYMBOL, D(price)))
    bench.advance(60 * SECOND)
    assert rests_untouched(bench)
    change(bench, cancel_replace_allowed=together)
    assert bench.orders["s1"].status == "CANCELED"
    assert (bench.orders["s2"].status, bench.orders["s2"].stop_price) == ("NEW", D("99.50"))
    assert bench.alerts == ["position_too_small"]


@pytest.mark.parametrize("together", [True, False])
def test_it_is_left_as_soon_as_the_filters_take_its_sale(together: bool) -> None:
    bench = Bench(replace(INSTRUMENT, cancel_replace_allowed=together))
    bench.filled()
    change(bench, cancel_replace_allowed=together, min_notional=D(500))
    close(bench)
    bench.advance(60 * SECOND)
    assert rests_untouched(bench)
    assert bench.alerts == ["position_too_small", "exit_waits"]
    assert (bench.status, bench.refusals) == ("open", [WAITS])
    change(bench, cancel_replace_allowed=together)
    assert bench.moves[-1] == ("closed", "verdict")
    assert sold(bench) == D("0.999")
    assert bench.spans == []


def test_it_is_left_at_a_close_at_which_the_filters_take_its_sale() -> None:
    bench = too_small()
    close(bench)
    close(bench, "500.50")  # 499.9995 worth
    assert rests_untouched(bench)
    assert bench.refusals == [WAITS, WAITS]
    close(bench, "500.51")
    assert bench.moves[-1] == ("closed", "verdict")
    assert sold(bench) == D("0.999")


def test_a_time_limit_waits_as_well() -> None:
    bench = Bench()
    bench.command(opening(time_limit_at=T + 60 * SECOND))
    change(bench, min_notional=D(500))
    bench.advance(120 * SECOND)
    assert rests_untouched(bench)
    assert bench.refusals == [WAITS]
    close(bench, "501")
    assert bench.moves[-1] == ("closed", "time_limit")


@pytest.mark.parametrize(("name", "end"), [("s", "stop"), ("t", "target")])
def test_stop_and_target_work_while_an_exit_waits(name: str, end: str) -> None:
    bench = too_small()
    close(bench)
    bench.happen(bench.exchange.fill(leg(name), D("0.999")))
    assert bench.moves[-1] == ("closed", end)


def test_steps_coarser_than_the_position_leave_its_stop_alone_too() -> None:
    bench = Bench()
    bench.filled()
    change(bench, step_size=D(1), min_quantity=D(1))
    bench.command(MoveStop(cycle(), SYMBOL, D(99)))
    close(bench)
    assert rests_untouched(bench)
    assert bench.refusals == [WAITS]


def test_a_stop_that_is_lost_meanwhile_is_put_back_as_soon_as_the_filters_take_it() -> None:
    bench = too_small()
    bench.happen(bench.exchange.cancel(leg("s")))
    bench.advance(60 * SECOND)
    assert (bench.asked(1), bench.status) == ([], "open")
    change(bench)
    assert bench.orders["s2"].status == "NEW"
    assert bench.alerts == ["position_too_small", "stop_put_back"]
    assert [(span.until - span.since, span.kind) for span in bench.spans] == [(60 * SECOND, "unprotected")]


def test_a_stop_lost_while_not_even_a_step_is_whole_is_a_span_without_one() -> None:
    bench = Bench()
    bench.filled()
    change(bench, step_size=D(1), min_quantity=D(1))
    bench.happen(bench.exchange.cancel(leg("s")))
    bench.advance(60 * SECOND)
    assert (bench.asked(1), bench.status) == ([], "open")
    change(bench)
    assert bench.orders["s2"].status == "NEW"
    assert [(span.until - span.since, span.kind) for span in bench.spans] == [(60 * SECOND, "unprotected")]


def test_a_position_that_a_person_has_taken_over_is_left_alone() -> None:
    bench = Bench()
    bench.filled()
    for number in (1, 2):
        bench.happen(bench.exchange.cancel(leg("s", number)))
    assert bench.status == "manual"
    said = list(bench.alerts)
    change(bench, min_notional=D(500))
    change(bench)
    assert (bench.status, bench.alerts) == ("manual", said)


def test_what_was_bought_while_the_filters_rose_is_protected_as_soon_as_they_take_it() -> None:
    bench = Bench(base_free="5")
    bench.command(opening(entry_limit="99.50", entry_timeout_at=T + 900 * SECOND))
    filled = bench.exchange.fill(leg("e"), D(1))
    bench.give(InstrumentChanged(SYMBOL, "", T, "TRADING", DEARER), *filled)
    bench.advance(60 * SECOND)
    assert (bench.status, bench.alerts) == ("open", ["position_too_small"])
    assert "PlaceOrderList l1" not in bench.asked()
    change(bench)
    assert bench.orders["s1"].status == "NEW"
    assert [(span.until - span.since, span.kind) for span in bench.spans] == [(60 * SECOND, "unprotected")]


def test_what_the_exchange_lets_us_neither_protect_nor_sell_is_sold_as_soon_as_it_does() -> None:
    bench = Bench(base_free="5")
    for name in ("l", "x"):
        bench.exchange.refusals[name] = [(-1013, "Filter failure: NOTIONAL")]
    bench.command(opening())
    change(bench, min_notional=D(500))
    bench.advance(60 * SECOND)
    assert bench.status == "closing"
    assert bench.refusals == [WAITS]
    change(bench)
    assert bench.moves[-1] == ("closed", "protection_refused")
    assert sold(bench) == D("0.999")


def test_a_remainder_is_dust_whatever_the_filters_were() -> None:
    bench = too_small()
    bench.happen(bench.exchange.fill(leg("s"), D("0.5")))
    bench.happen(bench.exchange.end(leg("s"), "EXPIRED"))
    assert bench.moves[-1] == ("closed", "stop")
    assert bench.dust == D("0.499")


def test_a_position_that_was_never_too_small_is_moved_and_left_as_ever() -> None:
    bench = Bench()
    bench.filled()
    change(bench, min_notional=D(97))  # 0.999 at a stop of 98
    bench.command(MoveStop(cycle(), SYMBOL, D(99)))
    assert bench.orders["s2"].status == "NEW"
    close(bench)
    assert bench.moves[-1] == ("closed", "verdict")
    assert bench.alerts == []


# ---- filters that the exchange knows before us


def test_a_sale_that_the_exchange_finds_too_small_waits_for_a_price() -> None:
    bench = Bench()
    bench.filled()
    bench.exchange.refusals["x"] = [(-1013, "Filter failure: NOTIONAL")]
    close(bench)
    assert bench.asked(1) == ["CancelReplace x1"]
    assert bench.orders["s1"].status == "NEW"
    assert bench.refusals == [WAITS]
    bench.advance(60 * SECOND)
    assert bench.asked(2) == []
    close(bench, "120")
    assert bench.moves[-1] == ("closed", "verdict")


@pytest.mark.parametrize("name", ["PRICE_FILTER", "LOT_SIZE", "NOTIONAL"])
def test_a_stop_refused_by_a_filter_that_is_new_to_us_is_moved_when_we_know_it(name: str) -> None:
    bench = Bench()
    bench.filled()
    bench.exchange.refusals["s"] = [(-1013, f"Filter failure: {name}")]
    bench.command(MoveStop(cycle(), SYMBOL, D("99.50")))
    assert (bench.status, bench.alerts) == ("open", ["stop_not_moved"])
    assert statuses(bench, "s1") == ["NEW"]
    change(bench, tick_size=D(1))
    bench.advance(2 * SECOND)
    assert statuses(bench, "s1") == ["CANCELED"]
    assert (bench.orders["s3"].status, bench.orders["s3"].stop_price) == ("NEW", D(99))
    assert bench.spans == []


# ---- another grid


@pytest.mark.parametrize(("wanted", "placed"), [("99.70", "99"), ("98.50", "99")])
def test_a_stop_is_moved_onto_the_new_grid_and_never_looser(wanted: str, placed: str) -> None:
    bench = Bench()
    bench.command(opening(stop="98.50"))
    change(bench, tick_size=D(1))
    bench.command(MoveStop(cycle(), SYMBOL, D(wanted)))  # the second one only gives the target up
    assert (bench.orders["s2"].status, bench.orders["s2"].stop_price) == ("NEW", D(placed))
    assert bench.asked(2) == []


def test_what_is_put_back_is_put_onto_the_new_grid() -> None:
    bench = Bench()
    bench.command(opening(stop="98.50", target="104.50"))
    change(bench, tick_size=D(1))
    bench.happen(bench.exchange.cancel(leg("s")))
    assert [
        (bench.orders[name].status, bench.orders[name].stop_price or bench.orders[name].price) for name in ("s2", "t2")
    ] == [
        ("NEW", D(98)),
        ("NEW", D(105)),
    ]
    assert bench.alerts == ["stop_put_back"]


def test_what_finer_steps_make_whole_is_protected_too() -> None:
    bench = Bench(COARSER)
    bench.filled()
    assert bench.orders["s1"].quantity == D("0.9")
    change(bench)
    assert bench.orders["s1"].status == "NEW"
    assert (bench.orders["s2"].status, bench.orders["s2"].quantity) == ("NEW", D("0.099"))
    assert bench.alerts == []


@pytest.mark.parametrize(
    "changes",
    [{"tick_size": D(7)}, {"step_size": D(3)}, {"min_notional": D("93.01")}],  # 0.999 at a stop of 98, 5 % below
    ids=["ticks", "steps", "least notional"],
)
def test_an_entry_that_was_planned_on_other_filters_is_not_begun(changes: dict[str, Any]) -> None:
    bench = Bench()
    change(bench, **changes)
    bench.command(opening())
    assert bench.asked() == []
    assert bench.refusals == [("OpenTradeCycle", "filters_changed")]
    assert bench.moves == [("expired", "filters_changed")]


@pytest.mark.parametrize(("least", "after"), [("93.01", ["CancelOrder c1"]), ("93", [])])  # as above
def test_an_entry_that_rests_is_given_up_where_what_it_buys_could_not_be_protected(
    least: str, after: list[str]
) -> None:
    bench = Bench()
    bench.command(opening(entry_limit="99.50", entry_timeout_at=T + 900 * SECOND))
    change(bench, min_notional=D(least))
    assert bench.asked(1) == after
    assert bench.moves[1:] == ([("expired", "filters_changed")] if after else [])


def test_an_entry_that_other_filters_allow_too_is_begun() -> None:
    bench = Bench()
    change(bench, tick_size=D("0.1"), step_size=D("0.5"), min_notional=D(46))  # 0.5 at 93.10
    bench.command(opening())
    assert bench.status == "open"
