"""Unknown outcomes: asked for, never sent again; absence is final late; loads, and messages nobody waited for."""

from decimal import Decimal

import pytest

from roottrading.messages.commands import CloseTradeCycle, MoveStop
from roottrading.messages.events import FillUnmatched
from roottrading.messages.exchange import (
    OpenOrdersReported,
    OrderExecuted,
    OrderReported,
    OutcomeUnknown,
    PlaceOrderList,
    QueryOrder,
    ReconcileDue,
)
from roottrading.messages.service import Resumed
from tests.unit.services.trader.bench import INSTRUMENT, SECOND, SYMBOL, Bench, T, cycle, leg, opening

D = Decimal
FINAL = 13 * SECOND  # recvWindow 3 s and 10 s


def close() -> CloseTradeCycle:
    return CloseTradeCycle(cycle(), SYMBOL, "verdict")


def placing(bench: Bench) -> list[str]:
    return [name for name in bench.asked() if name.startswith(("Place", "Cancel"))]


def sold(bench: Bench) -> Decimal:
    return sum((fill.quantity for fill in bench.fills if fill.side == "SELL"), D(0))


def test_an_entry_that_was_carried_out_is_found_by_its_id() -> None:
    bench = Bench()
    bench.exchange.outages["l"] = ["after"]
    bench.command(opening())
    assert placing(bench) == ["PlaceOrderList l1"]
    assert bench.asked()[1:4] == ["QueryOrder e1", "QueryOrder s1", "QueryOrder t1"]
    assert bench.moves[-1] == ("open", "filled")
    assert {name: order.status for name, order in bench.orders.items()} == {"e1": "FILLED", "s1": "NEW", "t1": "NEW"}
    assert bench.orders["e1"].created_at == T
    assert bench.deadlines == {}
    bench.command(close())
    assert bench.moves[-1] == ("closed", "verdict")


def test_an_entry_that_never_arrived_is_asked_for_until_its_absence_is_final_and_never_repeated() -> None:
    bench = Bench()
    bench.exchange.outages["l"] = ["before"]
    bench.command(opening())
    bench.advance(FINAL - 1)
    assert bench.status == "opening"
    assert placing(bench) == ["PlaceOrderList l1"]
    queries = [r.issued_at - T for r in bench.requests if isinstance(r, QueryOrder) and r.client_order_id == leg("e")]
    assert queries == [n * 250_000 for n in range(52)]
    assert bench.alerts == ["outcome_unknown"]
    assert "ListOpenOrders q1" not in bench.asked()
    bench.advance(1)
    assert bench.moves[-1] == ("expired", "not_filled")
    assert placing(bench) == ["PlaceOrderList l1"]
    assert {"ListOpenOrders q1", "ListFills q2"} <= set(bench.asked())
    assert bench.records("executions") == {}
    assert bench.deadlines == {}


def test_the_alert_comes_after_a_second() -> None:
    bench = Bench()
    bench.exchange.outages["l"] = ["before"]
    bench.command(opening())
    bench.advance(SECOND - 1)
    assert bench.alerts == []
    bench.advance(1)
    assert bench.alerts == ["outcome_unknown"]


def test_absence_needs_open_orders_and_executions_to_agree() -> None:
    bench = Bench()
    bench.exchange.outages["l"] = ["before"]
    bench.command(opening())
    bench.exchange.silent_questions = 10_000
    bench.advance(FINAL + SECOND)
    bench.exchange.silent_questions = 0
    request = bench.requests[0]
    assert isinstance(request, PlaceOrderList)
    bench.exchange._open(request.orders[0], D(1), 9)  # it is there after all
    bench.advance(SECOND)
    assert bench.status == "opening"
    assert bench.orders["e1"].status == "NEW"


@pytest.mark.parametrize("fate", ["before", "after"])
def test_protection_of_unknown_outcome(fate: str) -> None:
    bench = Bench(base_free="5")
    bench.exchange.outages["l"] = [fate]  # type: ignore[list-item]
    bench.command(opening())
    if fate == "after":
        assert placing(bench) == ["PlaceOrder e1", "PlaceOrderList l1"]
        assert bench.spans == []
        assert bench.orders["s1"].status == "NEW"
        return
    bench.advance(FINAL - 1)
    assert placing(bench) == ["PlaceOrder e1", "PlaceOrderList l1"]
    bench.advance(1)
    assert placing(bench) == ["PlaceOrder e1", "PlaceOrderList l1", "PlaceOrderList l2"]
    assert bench.orders["s2"].status == "NEW"
    assert bench.status == "open"
    assert [(span.until - span.since, span.kind) for span in bench.spans] == [(FINAL, "unprotected")]


@pytest.mark.parametrize("fate", ["before", "after"])
def test_an_exit_of_unknown_outcome(fate: str) -> None:
    bench = Bench()
    bench.filled()
    bench.exchange.outages["x"] = [fate]  # type: ignore[list-item]
    bench.command(close())
    if fate == "before":
        bench.advance(FINAL - 1)
        assert placing(bench)[1:] == ["CancelReplace x1"]
        assert bench.orders["s1"].status == "NEW"
        bench.advance(1)
        assert placing(bench)[1:] == ["CancelReplace x1", "CancelReplace x2"]
    assert bench.moves[-1] == ("closed", "verdict")
    assert sold(bench) == D("0.999")
    assert bench.orders["s1"].status == "CANCELED"
    assert bench.spans == []


@pytest.mark.parametrize("fate", ["before", "after"])
def test_a_moved_stop_of_unknown_outcome(fate: str) -> None:
    bench = Bench()
    bench.filled()
    bench.exchange.outages["s"] = [fate]  # type: ignore[list-item]
    bench.command(MoveStop(cycle(), SYMBOL, D(101)))
    bench.advance(FINAL)
    stop = "s2" if fate == "after" else "s3"
    assert (bench.orders[stop].status, bench.orders[stop].stop_price) == ("NEW", D(101))
    assert [name for name, order in bench.orders.items() if order.status == "NEW"] == [stop]
    assert bench.spans == []


@pytest.mark.parametrize("fate", ["before", "after"])
def test_a_cancel_of_unknown_outcome(fate: str) -> None:
    bench = Bench()
    bench.command(opening(entry_limit="99.50", entry_timeout_at=T + 60 * SECOND))
    bench.exchange.outages["c"] = [fate]  # type: ignore[list-item]
    bench.advance(60 * SECOND + FINAL)
    cancels = [name for name in placing(bench) if name.startswith("Cancel")]
    assert cancels == (["CancelOrder c1"] if fate == "after" else ["CancelOrder c1", "CancelOrder c2"])
    assert bench.moves[-1] == ("expired", "entry_timeout")


def test_questions_without_an_answer_are_asked_again() -> None:
    bench = Bench()
    bench.exchange.outages["l"] = ["after"]
    bench.exchange.silent_questions = 6
    bench.command(opening())
    assert bench.status == "opening"
    bench.advance(SECOND)
    assert bench.status == "open"
    assert bench.orders["s1"].status == "NEW"
    assert placing(bench) == ["PlaceOrderList l1"]


def test_a_duplicate_refused_means_that_it_is_there() -> None:
    bench = Bench(base_free="5")
    bench.command(opening(entry_limit="99.50", entry_timeout_at=T + 60 * SECOND))
    bench.exchange.duplicates = 1
    bench.happen(bench.exchange.fill(leg("e"), D(1)))
    assert bench.status == "open"
    assert bench.orders["s1"].status == "NEW"
    assert bench.alerts == []
    assert placing(bench) == ["PlaceOrder e1", "PlaceOrderList l1"]


# ---- after a load


def test_after_a_load_at_rest_nothing_is_placed_and_nothing_changes() -> None:
    bench = Bench()
    bench.filled()
    bench.advance(5 * SECOND)
    rows, messages = dict(bench.rows), len(bench.messages)
    bench.trader = bench.restored()
    bench.give(Resumed())
    assert placing(bench) == ["PlaceOrderList l1"]
    changed = {name for name in bench.rows if bench.rows[name] != rows.get(name)}
    assert changed == {("trader_balances", ("BASE",)), ("trader_takeover", ("trader",))}  # the same amount, known anew
    assert len(bench.messages) == messages


def test_after_a_load_the_account_is_asked_for() -> None:
    bench = Bench(account_heard=False)
    bench.give(Resumed())
    assert [type(request).__name__ for request in bench.requests] == ["QueryAccount"]
    bench.command(opening())
    assert placing(bench) == ["PlaceOrderList l1"]


def test_what_was_found_by_asking_leaves_the_balances_known() -> None:
    bench = Bench()
    bench.exchange.outages["l"] = ["after"]
    bench.command(opening())
    bench.advance(SECOND)
    bench.exchange.outages["x"] = ["after"]
    bench.command(close())
    assert bench.records("trader_balances")[("BASE",)].free == bench.exchange.base_free


@pytest.mark.parametrize("arrived", [True, False])
def test_a_request_that_was_under_way_is_asked_for_after_a_load(arrived: bool) -> None:
    bench = Bench(base_free="5")
    bench.exchange.outages["e"] = ["after" if arrived else "before"]
    bench.exchange.silent_questions = 10_000
    bench.command(opening())
    bench.trader = bench.restored()
    bench.exchange.silent_questions = 0
    bench.give(Resumed((bench.requests[0],)))
    if arrived:
        assert bench.status == "open"
        assert bench.orders["s1"].status == "NEW"
    else:
        assert bench.status == "opening"
        bench.advance(FINAL)
        assert bench.moves[-1] == ("expired", "not_filled")
    assert placing(bench)[0] == "PlaceOrder e1"
    assert placing(bench).count("PlaceOrder e1") == 1


def test_protection_sent_before_its_commit_is_found_by_the_plans_ids() -> None:
    """The trader died after sending the OCO and before keeping anything of it: it must not be sold beside."""
    bench = Bench(base_free="5")
    bench.exchange.outages["e"] = ["after"]
    bench.exchange.silent_questions = 10_000
    bench.command(opening())
    dead = Bench(base_free="5")
    dead.exchange = bench.exchange
    bench.exchange.silent_questions = 0
    dead.trader = bench.restored()
    dead.rows = dict(bench.rows)
    dead.messages = list(bench.messages)
    dead.give(Resumed())  # this one gets the fill and protects ...
    assert "s1" in dead.orders
    bench.trader = bench.restored()  # ... and dies before its commit; the heir knows of nothing
    bench.requests.clear()
    bench.give(Resumed())
    assert placing(bench) == []
    assert bench.orders["s1"].status == "NEW"
    assert bench.status == "open"


# ---- words that nobody waits for


def test_old_news_of_an_ended_cycle_changes_nothing() -> None:
    bench = Bench()
    bench.filled()
    bench.command(close())
    rows, messages = dict(bench.rows), len(bench.messages)
    bench.give(*bench.exchange.executions)
    bench.give(OutcomeUnknown(SYMBOL, leg("x"), bench.now))
    assert bench.rows == rows
    assert len(bench.messages) == messages


def test_a_fill_of_ours_without_a_cycle_is_said_once() -> None:
    bench = Bench()
    late = OrderExecuted(
        SYMBOL, leg("e", 1, cycle(9)), T, 5, 77, "BUY", D(100), D(1), D(0), "BASE", D(0), False, D(1), "FILLED"
    )
    bench.give(late)
    bench.give(late)
    assert bench.said(FillUnmatched) == [FillUnmatched(SYMBOL, leg("e", 1, cycle(9)), "BUY", D(1), D(100), bench.now)]
    assert bench.fills == []


def test_an_order_of_ours_without_a_cycle_is_an_alert() -> None:
    bench = Bench()

    def report(name: str) -> OrderReported:
        return OrderReported(SYMBOL, name, T, 1, "SELL", "STOP_LOSS", D(1), None, D(98), D(0), "NEW")

    bench.give(OpenOrdersReported(SYMBOL, "", T, (report("web_1"), report("sim2-abc-s1"))))
    assert bench.alerts == []
    bench.give(OpenOrdersReported(SYMBOL, "", T, (report("web_1"), report(leg("s", 1, cycle(9))))))
    assert bench.alerts == ["order_without_cycle"]


def test_an_order_of_the_cycle_that_we_forgot_is_taken_in_and_its_id_never_used_again() -> None:
    bench = Bench(base_free="5")
    bench.filled()
    bench.advance(SECOND)
    stop = bench.exchange.orders[leg("s")].spec
    bench.exchange.cancel(leg("s"))
    bench.exchange._place(
        type(stop)(leg("s", 4), "SELL", "STOP_LOSS", D("0.999"), None, D(98))  # placed by a life that left no trace
    )
    bench.advance(SECOND)
    bench.give(ReconcileDue(SYMBOL, "", bench.now))
    assert bench.orders["s4"].status == "NEW"
    assert bench.status == "open"
    bench.command(MoveStop(cycle(), SYMBOL, D(101)))
    assert bench.orders["s5"].stop_price == D(101)


def test_the_bench_uses_binance_like_filters() -> None:
    assert INSTRUMENT.sellable(D("0.05"), D(100))
    assert not INSTRUMENT.sellable(D("0.04"), D(100))
