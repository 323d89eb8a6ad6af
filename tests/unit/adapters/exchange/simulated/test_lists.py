"""OCO, OTO, OTOCO, OPO, OPOCO: what locks, what comes in, what ends with what (trading-rules 1.2 to 1.6)."""

from decimal import Decimal as D
from typing import Any

import pytest

from roottrading.domain.fees import FeeSchedule
from roottrading.domain.order import ListKind
from roottrading.messages.exchange import OrderExecuted, OrderOpened, OrderSpec
from tests.unit.adapters.exchange.simulated.harness import (
    Bench,
    endings,
    fills,
    limit,
    maker,
    market,
    of,
    openings,
    refusals,
    stop,
)

FEES = FeeSchedule(maker=D("0.001"), taker=D("0.001"))


def entry(quantity: str = "10", price: str = "101", force: str = "FOK") -> OrderSpec:
    assert force in {"FOK", "GTC"}
    return limit("BUY", quantity, price, "e", "FOK" if force == "FOK" else "GTC")


class TestOco:
    def test_both_legs_rest_and_lock_once(self) -> None:
        bench = Bench()
        bench.opens("100")
        events = bench.place_list("OCO", stop("SELL", "2", "97"), maker("SELL", "2", "103"))
        assert openings(events) == [("s", "NEW"), ("t", "NEW")]
        assert len({event.list_id for event in of(OrderOpened, events)}) == 1
        assert bench.holds("BTC") == (998, 2)

    @pytest.mark.parametrize("leg", ["s", "t"])
    def test_canceling_a_leg_cancels_the_list(self, leg: str) -> None:
        bench = Bench()
        bench.opens("100")
        bench.place_list("OCO", stop("SELL", "2", "97"), maker("SELL", "2", "103"))
        assert endings(bench.cancel(leg)) == [("s", "CANCELED", ""), ("t", "CANCELED", "")]
        assert bench.holds("BTC") == (1000, 0)

    def test_a_partly_filled_target_has_ended_its_stop(self) -> None:
        bench = Bench()
        bench.opens("100")
        bench.place_list("OCO", stop("SELL", "2", "97"), maker("SELL", "2", "103"))
        bench.closes()
        events = bench.passes("100", "104", "99", "100", volume="5")
        assert fills(events, "t") == [("103", "0.5")]
        assert endings(events) == [("s", "EXPIRED", "OCO_TRIGGER")]
        assert bench.holds("BTC") == (D(998), D("1.5"))
        assert fills(bench.passes("100", "101", "90", "91")) == []  # nothing guards the rest any more

    def test_a_triggered_stop_ends_the_target_and_sells_what_both_had_locked(self) -> None:
        bench = Bench()
        bench.opens("100")
        bench.place_list("OCO", stop("SELL", "2", "97"), maker("SELL", "2", "103"))
        bench.closes()
        events = bench.passes("100", "101", "96", "99")
        assert fills(events, "s") == [("97", "2")]
        assert endings(events) == [("t", "EXPIRED", "OCO_TRIGGER")]
        assert bench.holds("BTC") == (998, 0)

    def test_a_buy_oco_locks_its_dearer_leg_and_sets_the_difference_free(self) -> None:
        bench = Bench()
        bench.opens("100")
        bench.place_list("OCO", stop("BUY", "2", "105"), maker("BUY", "2", "95"))
        assert bench.holds("USDT") == (D(99790), 210)
        bench.closes()
        events = bench.passes("100", "101", "94", "99", volume="10")
        assert fills(events, "t") == [("95", "1")]
        assert bench.holds("USDT") == (D(99810), 95)

    @pytest.mark.parametrize(
        ("stop_price", "target", "code"),
        [("97", "100", -2010), ("100", "103", -2010), ("103", "97", -1166), ("99", "98", -1166)],
    )
    def test_prices_that_do_not_stand_around_the_market_are_refused(
        self, stop_price: str, target: str, code: int
    ) -> None:
        bench = Bench()
        bench.opens("100")
        events = bench.place_list("OCO", stop("SELL", "2", stop_price), maker("SELL", "2", target))
        assert [number for number, _ in refusals(events)] == [code]
        assert bench.holds("BTC") == (1000, 0)

    def test_a_buy_oco_with_its_limit_above_is_refused(self) -> None:
        bench = Bench()
        bench.opens("100")
        events = bench.place_list("OCO", stop("BUY", "2", "95"), maker("BUY", "2", "105"))
        assert refusals(events) == [(-1165, "A limit order in a buy OCO must be below.")]

    @pytest.mark.parametrize(
        ("first", "second", "code"),
        [
            (stop("SELL", "2", "97"), stop("SELL", "2", "96", "t"), -1158),
            (stop("SELL", "2", "97"), limit("SELL", "2", "103", "t"), -1158),
            (stop("SELL", "2", "97"), maker("SELL", "3", "103"), -1130),
            (stop("SELL", "2", "97"), maker("BUY", "2", "93"), -1130),
            (stop("SELL", "2", "97"), maker("SELL", "2", "103", "s"), -2010),
            (stop("SELL", "2000", "97"), maker("SELL", "2000", "103"), -2010),
        ],
    )
    def test_legs_that_are_no_pair_are_refused(self, first: OrderSpec, second: OrderSpec, code: int) -> None:
        bench = Bench()
        bench.opens("100")
        assert [number for number, _ in refusals(bench.place_list("OCO", first, second))] == [code]

    def test_a_list_id_in_use_is_refused(self) -> None:
        bench = Bench()
        bench.opens("100")
        bench.place_list("OCO", stop("SELL", "2", "97"), maker("SELL", "2", "103"))
        again = bench.place_list("OCO", stop("SELL", "2", "97", "a"), maker("SELL", "2", "103", "b"))
        assert refusals(again) == [(-2010, "Duplicate order sent.")]


class TestOpoco:
    def test_entry_and_protection_are_one_request_sized_by_what_was_received(self) -> None:
        bench = Bench({"USDT": "2000"}, FEES)
        bench.opens("100")
        events = bench.place_list("OPOCO", entry(), stop("SELL", None, "97"), maker("SELL", None, "103"))
        assert openings(events) == [
            ("e", "NEW"),
            ("s", "PENDING_NEW"),
            ("t", "PENDING_NEW"),
            ("s", "NEW"),
            ("t", "NEW"),
        ]
        opened = of(OrderOpened, events)
        assert [event.quantity for event in opened[1:3]] == [None, None]
        # 10 less 0.01 fee, in whole steps of 0.01: all of it
        assert [event.quantity for event in opened[3:]] == [D("9.99"), D("9.99")]
        assert bench.holds("BTC") == (0, D("9.99"))
        assert bench.holds("USDT") == (1000, 0)

    def test_what_the_step_leaves_over_becomes_free(self) -> None:
        bench = Bench({"USDT": "2000"}, FEES)
        bench.opens("100")
        events = bench.place_list("OPOCO", entry("1.23"), stop("SELL", None, "97"), maker("SELL", None, "103"))
        assert of(OrderOpened, events, "s")[-1].quantity == D("1.22")
        assert bench.holds("BTC") == (D("0.00877"), D("1.22"))

    def test_the_fee_comes_out_of_free_base_where_there_is_enough(self) -> None:
        bench = Bench({"USDT": "2000", "BTC": "0.01"}, FEES)
        bench.opens("100")
        events = bench.place_list("OPOCO", entry(), stop("SELL", None, "97"), maker("SELL", None, "103"))
        assert of(OrderOpened, events, "s")[-1].quantity == 10
        assert of(OrderExecuted, events)[0].fee == D("0.01")
        assert bench.holds("BTC") == (0, 10)

    def test_an_entry_that_expires_takes_its_legs_with_it(self) -> None:
        bench = Bench({"USDT": "2000"})
        bench.opens("102")
        events = bench.place_list("OPOCO", entry(), stop("SELL", None, "97"), maker("SELL", None, "103"))
        assert endings(events) == [
            ("e", "EXPIRED", "UNFILLED_FOK_ORDER_EXPIRED"),
            ("s", "EXPIRED", "OTO_PHASE_ONE_EXPIRED"),
            ("t", "EXPIRED", "OTO_PHASE_ONE_EXPIRED"),
        ]
        assert bench.holds("USDT") == (2000, 0)

    @pytest.mark.parametrize(("stop_price", "target"), [("100", "103"), ("97", "100"), ("100.5", "103"), ("97", "99")])
    def test_legs_that_the_fill_is_beyond_end_rejected(self, stop_price: str, target: str) -> None:
        bench = Bench({"USDT": "2000"}, FEES)
        bench.opens("100")
        events = bench.place_list("OPOCO", entry(), stop("SELL", None, stop_price), maker("SELL", None, target))
        assert endings(events) == [("s", "EXPIRED", "REJECTED"), ("t", "EXPIRED", "REJECTED")]
        assert fills(events, "e") == [("100", "10")]
        assert bench.holds("BTC") == (D("9.99"), 0)

    def test_legs_too_small_for_a_filter_end_rejected(self) -> None:
        bench = Bench({"USDT": "2000"}, FEES, min_notional=D(100))
        bench.opens("100")
        events = bench.place_list("OPOCO", entry("1.01"), stop("SELL", None, "97"), maker("SELL", None, "103"))
        assert endings(events) == [("s", "EXPIRED", "REJECTED"), ("t", "EXPIRED", "REJECTED")]

    def test_a_resting_entry_locks_what_it_receives_until_it_is_full(self) -> None:
        bench = Bench({"USDT": "2000"})
        bench.opens("100")
        bench.place_list("OPOCO", entry("4", "98", "GTC"), stop("SELL", None, "95"), maker("SELL", None, "103"))
        bench.closes()
        events = bench.passes("99", "99", "97", "98", volume="10")
        assert fills(events) == [("98", "1")]
        assert openings(events) == []
        assert bench.holds("BTC") == (0, 1)
        assert endings(bench.cancel("s")) == [("e", "CANCELED", ""), ("s", "CANCELED", ""), ("t", "CANCELED", "")]
        assert bench.holds("BTC") == (1, 0)
        assert bench.holds("USDT") == (1902, 0)

    def test_the_stop_of_an_entry_filled_in_a_candle_is_live_in_it_and_the_target_is_not(self) -> None:
        bench = Bench({"USDT": "2000"})
        bench.opens("100")
        bench.place_list("OPOCO", entry("4", "98", "GTC"), stop("SELL", None, "95"), maker("SELL", None, "103"))
        bench.closes()
        events = bench.passes("99", "110", "97", "98")
        assert openings(events) == [("s", "NEW"), ("t", "NEW")]
        assert fills(events) == [("98", "4")]
        assert fills(bench.passes("99", "110", "97", "98")) == [("103", "4")]

        bench.opens("100")
        bench.place_list("OPOCO", entry("4", "98", "GTC"), stop("SELL", None, "95"), maker("SELL", None, "103"))
        bench.closes()
        events = bench.passes("99", "110", "95", "98")
        assert fills(events, "e") == [("98", "4")]
        assert fills(events, "s") == [("95", "4")]

    def test_an_entry_gapped_below_its_stop_is_left_with_rejected_legs(self) -> None:
        bench = Bench({"USDT": "2000"})
        bench.opens("100")
        bench.place_list("OPOCO", entry("4", "98", "GTC"), stop("SELL", None, "95"), maker("SELL", None, "103"))
        bench.closes()
        events = bench.passes("94", "110", "90", "98")
        assert fills(events) == [("98", "4")]
        assert endings(events) == [("s", "EXPIRED", "REJECTED"), ("t", "EXPIRED", "REJECTED")]


class TestOpoAndOto:
    def test_an_opo_brings_in_one_leg(self) -> None:
        bench = Bench({"USDT": "2000"}, FEES)
        bench.opens("100")
        events = bench.place_list("OPO", entry(), stop("SELL", None, "97"))
        assert openings(events) == [("e", "NEW"), ("s", "PENDING_NEW"), ("s", "NEW")]
        assert bench.holds("BTC") == (0, D("9.99"))
        bench.closes()
        assert fills(bench.passes("100", "100", "90", "90")) == [("97", "9.99")]

    def test_an_opo_may_bring_in_a_market_sell_within_its_lots(self) -> None:
        bench = Bench({"USDT": "2000"}, FEES, market_step_size=D("0.1"), market_max_quantity=D(6))
        bench.opens("100")
        events = bench.place_list("OPO", entry(), OrderSpec("x", "SELL", "MARKET", None))
        assert fills(events, "x") == [("100", "6")]
        assert bench.holds("BTC") == (D("3.99"), 0)

    def test_in_bnb_terms_an_opo_of_bnb_itself_is_net_of_the_fee(self) -> None:
        bench = Bench({"USDT": "2000", "BNB": "5"}, FEES, base_asset="BNB")
        bench.opens("100")
        events = bench.place_list("OPO", entry(), stop("SELL", None, "97"))
        assert of(OrderOpened, events, "s")[-1].quantity == D("9.99")

    def test_an_oto_comes_in_after_the_full_fill_and_locks_its_own_funds(self) -> None:
        bench = Bench()
        bench.opens("100")
        events = bench.place_list("OTO", entry("4", "98", "GTC"), maker("SELL", "3", "103"))
        assert openings(events) == [("e", "NEW"), ("t", "PENDING_NEW")]
        assert bench.holds("BTC") == (997, 3)
        assert bench.holds("USDT") == (D(99608), 392)
        bench.closes()
        assert openings(bench.passes("99", "99", "97", "98", volume="10")) == []
        assert openings(bench.passes("99", "99", "97", "98")) == [("t", "NEW")]
        assert bench.holds("BTC") == (1001, 3)

    def test_an_oto_may_bring_in_a_limit_that_takes_at_once(self) -> None:
        bench = Bench()
        bench.opens("100")
        events = bench.place_list("OTO", entry(), limit("SELL", "3", "99", "x"))
        assert fills(events, "x") == [("100", "3")]

    def test_an_otoco_of_sells_first_buys_back_below(self) -> None:
        bench = Bench()
        bench.opens("100")
        working = limit("SELL", "2", "99", "e", "FOK")
        events = bench.place_list("OTOCO", working, stop("BUY", "2", "105"), maker("BUY", "2", "95"))
        assert openings(events)[-2:] == [("s", "NEW"), ("t", "NEW")]
        assert bench.holds("USDT") == (D(99990), 210)

    @pytest.mark.parametrize(
        ("usdt", "btc", "accepted"), [("400", "3", True), ("399.9", "3", False), ("400", "2.99", False)]
    )
    def test_an_oto_needs_the_funds_of_both(self, usdt: str, btc: str, accepted: bool) -> None:
        bench = Bench({"USDT": usdt, "BTC": btc})
        bench.opens("100")
        events = bench.place_list("OTO", limit("BUY", "4", "100", "e", "FOK"), maker("SELL", "3", "103"))
        assert (refusals(events) == []) is accepted

    def test_two_buys_of_an_oto_need_the_sum(self) -> None:
        bench = Bench({"USDT": "790"})
        bench.opens("100")
        working, pending = limit("BUY", "4", "100", "e", "FOK"), maker("BUY", "4", "98")
        assert len(refusals(bench.place_list("OTO", working, pending))) == 1
        bench.exchange.deposit("USDT", D(2), bench.now)
        assert openings(bench.place_list("OTO", working, pending))[-1] == ("t", "NEW")


@pytest.mark.parametrize(
    ("kind", "specs", "code"),
    [
        ("OPO", (limit("SELL", "4", "99", "e"), stop("SELL", None, "97")), -1222),
        ("OPO", (entry(), stop("BUY", None, "103")), -1223),
        ("OPO", (entry(), stop("SELL", "4", "97")), -1225),
        ("OPO", (entry(), OrderSpec("x", "SELL", "MARKET", None, quote_quantity=D(50))), -1225),
        ("OTO", (market("BUY", "4", "e"), stop("SELL", "4", "97")), -1116),
        ("OTO", (entry(), stop("SELL", None, "97")), -1102),
        ("OTO", (entry(), OrderSpec("x", "SELL", "MARKET", None, quote_quantity=D(50))), -1130),
        ("OTO", (entry(), stop("SELL", "4", "97"), maker("SELL", "4", "103")), -1130),
        ("OTOCO", (entry(), stop("SELL", "4", "97"), stop("SELL", "4", "96", "t")), -1158),
    ],
)
def test_lists_of_the_wrong_form_are_refused(kind: ListKind, specs: tuple[OrderSpec, ...], code: int) -> None:
    bench = Bench()
    bench.opens("100")
    assert [number for number, _ in refusals(bench.place_list(kind, *specs))] == [code]


@pytest.mark.parametrize(
    ("flag", "kinds"),
    [
        ("oco_allowed", {"OCO", "OTOCO", "OPOCO"}),
        ("oto_allowed", {"OTO", "OTOCO", "OPO", "OPOCO"}),
        ("opo_allowed", {"OPO", "OPOCO"}),
    ],
)
def test_a_symbol_without_a_kind_of_list_refuses_it(flag: str, kinds: set[str]) -> None:
    lists: dict[ListKind, tuple[OrderSpec, ...]] = {
        "OCO": (stop("SELL", "4", "97"), maker("SELL", "4", "103")),
        "OTO": (entry(), stop("SELL", "4", "97")),
        "OTOCO": (entry(), stop("SELL", "4", "97"), maker("SELL", "4", "103")),
        "OPO": (entry(), stop("SELL", None, "97")),
        "OPOCO": (entry(), stop("SELL", None, "97"), maker("SELL", None, "103")),
    }
    for kind, specs in lists.items():
        changes: dict[str, Any] = {flag: False}
        bench = Bench(**changes)
        bench.opens("100")
        codes = [code for code, _ in refusals(bench.place_list(kind, *specs))]
        assert codes == ([-1013] if kind in kinds else [])
