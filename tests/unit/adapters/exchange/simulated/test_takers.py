"""MARKET, and LIMIT as it arrives: trading-rules 5.1, 5.3, 5.4. Prices below are reckoned by hand."""

from decimal import Decimal as D

import pytest
from msgspec.structs import replace

from roottrading.adapters.exchange.simulated import FillModel
from roottrading.domain.fees import FeeSchedule
from roottrading.domain.time import MINUTE, SECOND
from roottrading.messages.exchange import OrderExecuted
from tests.unit.adapters.exchange.simulated.harness import (
    Bench,
    endings,
    fills,
    instrument,
    limit,
    market,
    of,
    openings,
    refusals,
)

SLIPPING = FillModel(slippage=D("0.0005"))


def test_a_market_buy_takes_the_open_slipped_up_to_the_tick() -> None:
    bench = Bench(model=SLIPPING)
    bench.opens("100.3")
    events = bench.place(market("BUY", "2"))
    assert fills(events) == [("100.4", "2")]  # 100.3 x 1.0005 = 100.35015
    assert openings(events) == [("m", "NEW")]
    assert bench.holds("USDT") == (D("99799.2"), 0)
    assert bench.holds("BTC") == (1002, 0)


def test_a_market_sell_takes_the_open_slipped_down_to_the_tick() -> None:
    bench = Bench(model=SLIPPING)
    bench.opens("100.3")
    assert fills(bench.place(market("SELL", "2"))) == [("100.2", "2")]  # 100.3 x 0.9995 = 100.24985


def test_a_price_that_slips_onto_the_tick_is_not_moved_further() -> None:
    bench = Bench(model=SLIPPING)
    bench.opens("200")
    assert fills(bench.place(market("BUY", "1"))) == [("200.1", "1")]


def test_a_sell_of_the_cheapest_coin_gets_a_tick_and_not_nothing() -> None:
    bench = Bench(model=SLIPPING, min_notional=D("0.01"))
    bench.opens("0.1")
    assert fills(bench.place(market("SELL", "1"))) == [("0.1", "1")]


def test_a_market_order_fills_what_the_volume_allows_and_expires_with_the_rest() -> None:
    bench = Bench()
    bench.opens("100", volume="12.39")
    events = bench.place(market("BUY", "5"))
    assert fills(events) == [("100", "1.23")]  # a tenth of the volume, in whole steps
    assert endings(events) == [("m", "EXPIRED", "INSUFFICIENT_LIQUIDITY")]
    assert of(OrderExecuted, events)[0].status == "PARTIALLY_FILLED"


def test_all_fills_of_a_candle_share_its_allowance() -> None:
    bench = Bench()
    bench.opens("100", volume="100")
    assert fills(bench.place(market("BUY", "6", "a"))) == [("100", "6")]
    assert fills(bench.place(market("SELL", "6", "b"))) == [("100", "4")]
    assert endings(bench.place(market("SELL", "6", "c"))) == [("c", "EXPIRED", "INSUFFICIENT_LIQUIDITY")]
    bench.closes()
    bench.opens("100", volume="100")
    assert fills(bench.place(market("SELL", "6", "d"))) == [("100", "6")]


def test_a_market_order_by_quote_amount_buys_whole_steps() -> None:
    bench = Bench(model=SLIPPING)
    bench.opens("100.3")
    events = bench.place(market("BUY", None, quote="1000"))
    assert fills(events) == [("100.4", "9.96")]  # 1000 / 100.4 = 9.9601
    assert of(OrderExecuted, events)[0].status == "FILLED"


def test_a_market_sell_by_quote_amount_sells_whole_steps() -> None:
    bench = Bench()
    bench.opens("300")
    assert fills(bench.place(market("SELL", None, quote="1000"))) == [("300", "3.33")]


@pytest.mark.parametrize("status", ["inside a candle", "in a halt"])
def test_a_market_order_without_an_open_is_new_and_meets_the_next_one(status: str) -> None:
    bench = Bench()
    bench.opens("100")
    if status == "inside a candle":
        bench.now += SECOND
    else:
        bench.closes()
        bench.now += 10 * MINUTE
    events = bench.place(market("SELL", "3"))
    assert openings(events) == [("m", "NEW")]
    assert fills(events) == []
    assert bench.exchange.waits_for_open("BTCUSDT")
    assert bench.holds("BTC") == (997, 3)
    if status == "inside a candle":
        assert fills(bench.closes()) == []
    met = bench.opens("90", volume="20")
    assert fills(met) == [("90", "2")]
    assert endings(met) == [("m", "EXPIRED", "INSUFFICIENT_LIQUIDITY")]
    assert of(OrderExecuted, met)[0].at == bench.now
    assert bench.holds("BTC") == (998, 0)
    assert not bench.exchange.waits_for_open("BTCUSDT")


def test_a_waiting_market_buy_buys_what_it_can_pay_when_the_price_ran_away() -> None:
    bench = Bench({"USDT": "1000"})
    bench.opens("100")
    bench.now += SECOND
    bench.place(market("BUY", "10"))
    assert bench.holds("USDT") == (0, 1000)
    bench.closes()
    met = bench.opens("300")
    assert fills(met) == [("300", "3.33")]
    assert endings(met) == [("m", "EXPIRED", "INSUFFICIENT_LIQUIDITY")]
    assert bench.holds("USDT") == (1, 0)


def test_in_a_candle_without_volume_every_taker_expires() -> None:
    bench = Bench()
    bench.opens("100", volume="0")
    assert endings(bench.place(market("BUY", "1"))) == [("m", "EXPIRED", "INSUFFICIENT_LIQUIDITY")]
    fok = bench.place(limit("BUY", "1", "101", force="FOK"))
    assert endings(fok) == [("l", "EXPIRED", "UNFILLED_FOK_ORDER_EXPIRED")]
    ioc = bench.place(limit("BUY", "1", "101", force="IOC"))
    assert endings(ioc) == [("l", "EXPIRED", "UNFILLED_IOC_QUANTITY_EXPIRED")]


def test_a_waiting_market_order_that_meets_an_open_without_volume_expires() -> None:
    bench = Bench()
    bench.opens("100")
    bench.now += SECOND
    bench.place(market("SELL", "3"))
    bench.closes()
    assert endings(bench.opens("100", volume="0")) == [("m", "EXPIRED", "INSUFFICIENT_LIQUIDITY")]


@pytest.mark.parametrize(
    ("price", "volume", "filled"),
    [
        ("100.4", "1000", [("100.4", "3")]),  # exactly the slipped open
        ("100.3", "1000", []),  # the open alone is not enough
        ("105", "30", [("100.4", "3")]),  # exactly the tenth
        ("105", "29.99", []),  # all or nothing
    ],
)
def test_a_fok_fills_whole_or_not_at_all(price: str, volume: str, filled: list[tuple[str, str]]) -> None:
    bench = Bench(model=SLIPPING)
    bench.opens("100.3", volume=volume)
    events = bench.place(limit("BUY", "3", price, force="FOK"))
    assert fills(events) == filled
    assert endings(events) == ([] if filled else [("l", "EXPIRED", "UNFILLED_FOK_ORDER_EXPIRED")])
    assert bench.holds("USDT")[1] == 0


def test_an_ioc_takes_what_is_allowed() -> None:
    bench = Bench()
    bench.opens("100", volume="20")
    events = bench.place(limit("BUY", "3", "100", force="IOC"))
    assert fills(events) == [("100", "2")]
    assert endings(events) == [("l", "EXPIRED", "UNFILLED_IOC_QUANTITY_EXPIRED")]
    assert bench.holds("USDT") == (D(99800), 0)


def test_fok_and_ioc_without_an_open_expire_at_once_and_gtc_rests() -> None:
    bench = Bench()
    bench.opens("100")
    bench.now += SECOND
    assert endings(bench.place(limit("BUY", "1", "101", "f", "FOK"))) == [
        ("f", "EXPIRED", "UNFILLED_FOK_ORDER_EXPIRED")
    ]
    assert endings(bench.place(limit("BUY", "1", "101", "i", "IOC"))) == [
        ("i", "EXPIRED", "UNFILLED_IOC_QUANTITY_EXPIRED")
    ]
    assert openings(bench.place(limit("BUY", "1", "101", "g"))) == [("g", "NEW")]
    assert bench.holds("USDT") == (D(99899), 101)


def test_a_crossing_gtc_takes_what_is_allowed_and_rests_with_the_rest() -> None:
    bench = Bench()
    bench.opens("100", volume="20")
    events = bench.place(limit("BUY", "3", "101"))
    assert fills(events) == [("100", "2")]
    assert bench.holds("USDT") == (D(99699), 101)  # 200 paid, one at 101 locked
    assert bench.exchange.bounds("BTCUSDT") == (D("100.9"), None)


def test_fees_are_taken_in_the_asset_received_and_rounded_down() -> None:
    fees = FeeSchedule(maker=D("0.0005"), taker=D("0.001"))
    bench = Bench(fees=fees, base_fee_digits=4, quote_fee_digits=2)
    bench.opens("33.3")
    (bought,) = of(OrderExecuted, bench.place(market("BUY", "1.27")))
    assert (bought.fee, bought.fee_asset, bought.fee_rate) == (D("0.0012"), "BTC", D("0.001"))
    (sold,) = of(OrderExecuted, bench.place(market("SELL", "1.27")))
    assert (sold.fee, sold.fee_asset) == (D("0.04"), "USDT")  # 42.291 x 0.001 = 0.042291
    assert bench.holds("BTC") == (D("999.9988"), 0)
    assert bench.holds("USDT") == (D("99999.96"), 0)


class TestFeesInBnb:
    fees = FeeSchedule(maker=D("0.001"), taker=D("0.001"), in_bnb=True)
    bnb = instrument(symbol="BNBUSDT", base_asset="BNB", tick_size=D("0.01"))

    def bench(self, amount: str, price: str | None) -> Bench:
        bench = Bench({"USDT": "100000", "BNB": amount}, self.fees, listed=[instrument(), self.bnb])
        bench.opens("100")
        if price is not None:
            assert bench.candle is not None
            candle = replace(bench.candle, symbol="BNBUSDT", open=D(price))
            bench.exchange.candle_opens(candle, bench.now - 1)
        return bench

    def test_the_price_is_the_one_known_before_the_instant(self) -> None:
        """Symbols move in some order within an instant; what one pays does not hang on it."""
        bench = self.bench("1", "700")
        assert bench.candle is not None
        dearer = replace(bench.candle, symbol="BNBUSDT", open=D(800), high=D(900), low=D(800), close=D(900))
        bench.exchange.candle_closed(dearer, bench.now)
        bench.exchange.candle_opens(replace(dearer, open=D(900)), bench.now)
        (bought,) = of(OrderExecuted, bench.place(market("BUY", "2")))
        assert bought.fee == D("0.00021428"), "0.15 USDT / 700"
        bench.closes()
        bench.opens("100")
        (sold,) = of(OrderExecuted, bench.place(market("SELL", "2")))
        assert sold.fee == D("0.00016666"), "0.15 USDT / 900"

    def test_who_trades_bnb_itself_pays_the_normal_fee_out_of_what_he_receives(self) -> None:
        bench = Bench({"USDT": "1000", "BNB": "200"}, self.fees, base_asset="BNB")
        bench.opens("100")
        (bought,) = of(OrderExecuted, bench.place(market("BUY", "2")))
        assert (bought.fee_asset, bought.fee) == ("BNB", D("0.002"))
        (sold,) = of(OrderExecuted, bench.place(market("SELL", "2")))
        assert (sold.fee_asset, sold.fee) == ("USDT", D("0.2"))
        assert bench.holds("BNB") == (D("199.998"), 0)

    def test_the_quote_value_is_paid_in_bnb_at_the_discount(self) -> None:
        bench = self.bench("1", "700")
        (bought,) = of(OrderExecuted, bench.place(market("BUY", "2")))
        # 200 x 0.00075 = 0.15 USDT; / 700 = 0.000214285714...
        assert (bought.fee, bought.fee_asset, bought.fee_rate) == (D("0.00021428"), "BNB", D("0.00075"))
        assert bench.holds("BTC") == (2, 0)
        assert bench.holds("BNB") == (D("0.99978572"), 0)

    @pytest.mark.parametrize(("amount", "price"), [("0.0002", "700"), ("1", None)])
    def test_too_little_bnb_or_no_price_of_it_means_the_normal_fee(self, amount: str, price: str | None) -> None:
        bench = self.bench(amount, price)
        (bought,) = of(OrderExecuted, bench.place(market("BUY", "2")))
        assert (bought.fee, bought.fee_asset, bought.fee_rate) == (D("0.002"), "BTC", D("0.001"))
        assert bench.holds("BNB") == (D(amount), 0)

    def test_a_buy_that_pays_in_bnb_itself_keeps_what_it_still_owes(self) -> None:
        pair = instrument(symbol="ETHBNB", base_asset="ETH", quote_asset="BNB")
        bench = Bench(
            {"BNB": "200"}, self.fees, listed=[instrument(symbol="BTCUSDT", base_asset="ETH", quote_asset="BNB"), pair]
        )
        bench.opens("100")
        (bought,) = of(OrderExecuted, bench.place(market("BUY", "2")))
        assert (bought.fee_asset, bought.fee) == ("ETH", D("0.002"))
        assert bench.holds("BNB") == (0, 0)


def test_more_than_the_account_has_is_refused() -> None:
    bench = Bench({"USDT": "100"})
    bench.opens("100")
    refusal = [(-2010, "Account has insufficient balance for requested action.")]
    assert refusals(bench.place(market("BUY", "1.01"))) == refusal
    assert refusals(bench.place(market("SELL", "1"))) == refusal
    assert fills(bench.place(market("BUY", "1"))) == [("100", "1")]
