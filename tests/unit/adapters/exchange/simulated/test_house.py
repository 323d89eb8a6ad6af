"""What the house may do to a symbol while it is traded: other filters, and lists of which a part is refused."""

from decimal import Decimal as D

from roottrading.messages.exchange import InstrumentChanged
from tests.unit.adapters.exchange.simulated.harness import (
    Bench,
    endings,
    fills,
    instrument,
    limit,
    maker,
    refusals,
    stop,
)


def test_orders_are_judged_by_the_filters_that_hold_when_they_come() -> None:
    bench = Bench()
    bench.opens("100")
    assert refusals(bench.place(limit("BUY", "0.06", "98", "before"))) == []
    bench.exchange.change_filters(instrument(min_quantity=D("0.1"), tick_size=D(1), max_orders=2), bench.now)
    assert refusals(bench.place(limit("BUY", "0.06", "98", "small"))) == [(-1013, "Filter failure: LOT_SIZE")]
    assert refusals(bench.place(limit("BUY", "1", "98.5", "between"))) == [(-1013, "Filter failure: PRICE_FILTER")]
    assert refusals(bench.place(limit("BUY", "1", "97", "fine"))) == []
    assert refusals(bench.place(limit("BUY", "1", "97", "third"))) == [(-1013, "Filter failure: MAX_NUM_ORDERS")]
    assert refusals(bench.cancel("before")) == []


def test_every_account_hears_of_filters_that_changed() -> None:
    bench = Bench()
    bench.opens("100")
    bench.exchange.set_status("BTCUSDT", "HALT", bench.now)
    bench.exchange.deposit("USDT", D(1), bench.now, "another")
    bench.exchange.take_events()
    coarser = instrument(tick_size=D(1))
    told = InstrumentChanged("BTCUSDT", "", bench.now, "HALT", coarser)
    assert list(bench.exchange.change_filters(coarser, bench.now)) == [told]
    assert bench.exchange.take_events() == {"another": [told]}


def test_the_pending_legs_of_the_next_list_are_refused_and_of_no_other() -> None:
    bench = Bench()
    bench.opens("100")
    bench.exchange.parts.books["BTCUSDT"].refused_lists = 1
    for name, ended in (("a", [("sa", "EXPIRED", "REJECTED"), ("ta", "EXPIRED", "REJECTED")]), ("b", [])):
        events = bench.place_list(
            "OPOCO",
            limit("BUY", "1", "101", f"w{name}", "FOK"),
            stop("SELL", None, "95", f"s{name}"),
            maker("SELL", None, "110", f"t{name}"),
            name=f"list{name}",
        )
        assert fills(events, f"w{name}") == [("100", "1")]
        assert endings(events) == ended
