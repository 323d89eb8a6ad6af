"""Runs for the reports' tests: one small enough to check by hand, and a generator of large ones."""

import random
from collections.abc import Sequence
from decimal import Decimal

import numpy as np
from msgspec import Struct

from roottrading.domain.columns import UNITS, Candles
from roottrading.domain.fees import FeeSchedule
from roottrading.domain.fill import Fill
from roottrading.domain.instrument import Instrument
from roottrading.domain.money import floor_to, quotient
from roottrading.domain.order import Order
from roottrading.domain.time import MINUTE, Time, duration, parse_time
from roottrading.domain.trade_cycle import Dust, TradeCycle, cycle_pnl, dust_left
from roottrading.messages.events import ProtectionRestored
from roottrading.reports import CheckLine, RunResult

D = Decimal
START = parse_time("2024-01-01")
RATE = D("0.001")


class Signal(Struct, frozen=True):
    """A row of signals.csv."""

    id: int
    symbol: str
    timeframe: str
    strategy: str
    signal_type: str
    strength: Decimal
    price: Decimal
    timestamp: Time


class Refusal(Struct, frozen=True):
    """A row of refusals.csv."""

    verdict_id: str
    symbol: str
    reason: str
    numbers: dict[str, str]
    at: Time


class Verdict(Struct, frozen=True):
    """A row of verdicts.csv."""

    id: str
    symbol: str
    timeframe: str
    signal_type: str
    strength: Decimal
    timestamp: Time


def instrument(symbol: str) -> Instrument:
    return Instrument(symbol, symbol.removesuffix("USDT"), "USDT", D("0.01"), D("0.001"), D("0.001"), D(9000), D(5))


def candles_of(symbol: str, timeframe: str, closes: Sequence[Decimal], start: Time = START) -> Candles:
    """Return candles that open at the close before, without wicks."""
    units = np.array([int(close * UNITS) for close in closes], dtype=np.int64)
    opens = np.concatenate([units[:1], units[:-1]])
    times = start + np.arange(len(units), dtype=np.int64) * duration(timeframe)
    highs, lows = np.maximum(opens, units), np.minimum(opens, units)
    return Candles(symbol, timeframe, times, opens, highs, lows, units, np.full(len(units), UNITS, dtype=np.int64))


def fill_of(  # one execution's own figures
    number: int,
    cycle: str,
    symbol: str,
    side: str,
    price: Decimal,
    quantity: Decimal,
    at: Time,
    rate: Decimal = RATE,
) -> Fill:
    """Return a taker's fill with its fee in the asset received, rounded down to eight digits."""
    buys = side == "BUY"
    fee = floor_to((quantity if buys else price * quantity) * rate, D("1E-8"))
    asset = symbol.removesuffix("USDT") if buys else "USDT"
    return Fill(
        f"f{number:08}",
        f"o{number:08}",
        cycle,
        symbol,
        "BUY" if buys else "SELL",
        price,
        quantity,
        fee,
        asset,
        False,
        at,
        rate,
        fee * price if buys else fee,
        number,
    )


def order_of(fill: Fill) -> Order:
    """Return the market order that the fill filled."""
    return Order(
        fill.order_id,
        fill.cycle_id,
        f"sim-{fill.order_id}",
        fill.symbol,
        fill.side,
        "MARKET",
        fill.quantity,
        None,
        None,
        "FILLED",
        fill.filled_at,
        fill.filled_at,
        fill.quantity,
    )


def large_run(
    cycles: int,
    symbols: Sequence[str] = ("BTCUSDT", "ETHUSDT"),
    minutes: int = 20_000,
    seed: int = 1,
    capital: int = 100_000,
) -> RunResult:
    """Return a run of random cycles on random walks, its books kept by the rules' own formulas."""
    dice = random.Random(seed)
    candles: dict[str, Candles] = {}
    for symbol in symbols:
        walk = np.random.default_rng(seed + len(candles)).normal(0.000005, 0.0009, minutes)
        prices = np.round(100 * (len(candles) + 1) * np.exp(np.cumsum(walk)), 2)
        candles[symbol] = candles_of(symbol, "1m", [D(f"{price:.2f}") for price in prices])
    closed: list[TradeCycle] = []
    fills: list[Fill] = []
    dust = dict.fromkeys(symbols, Dust())
    each = cycles // len(symbols)
    for symbol in symbols:
        closes = candles[symbol].close.tolist()
        length = (minutes - 2) // each
        for number in range(each):
            begin = number * length
            end = begin + dice.randint(1, length - 1)
            name = f"{symbol}-{number:06}"
            bought = fill_of(
                len(fills),
                name,
                symbol,
                "BUY",
                D(closes[begin]).scaleb(-8),
                D(dice.randint(500, 9000)).scaleb(-3),
                START + (begin + 1) * MINUTE,
            )
            received = bought.quantity - bought.fee
            sold = fill_of(
                len(fills) + 1,
                name,
                symbol,
                "SELL",
                D(closes[end]).scaleb(-8),
                floor_to(received + dust[symbol].quantity, D("0.001")),
                START + (end + 1) * MINUTE,
            )
            fills += [bought, sold]
            left = dust_left(bought.notional, received, sold.quantity, dust[symbol])
            pnl = cycle_pnl(sold.notional, bought.notional, sold.fee, dust[symbol], left)
            dust[symbol] = left
            closed.append(
                TradeCycle(
                    name,
                    symbol,
                    "closed",
                    number,
                    bought.price,
                    sold.price,
                    bought.quantity,
                    bought.fee_in_quote + sold.fee_in_quote,
                    pnl,
                    dice.choice(["stop", "target", "verdict"]),
                    bought.filled_at,
                    sold.filled_at,
                    dice.choice(["ema_cross", "donchian", "rsi"]),
                    quotient(bought.notional, D(50)),
                )
            )
    return RunResult(
        capital=D(capital),
        quote_asset="USDT",
        started_at=START,
        ended_at=START + minutes * MINUTE,
        tape="random walks",
        instruments={symbol: instrument(symbol) for symbol in symbols},
        candles=candles,
        fees=FeeSchedule(),
        slippage=D("0.0005"),
        fill_model="open of the next candle, stop before target, 10 % of volume",
        settings={"timeframe": "5m", "strategies": ["ema_cross", "donchian", "rsi"], "risk": D("0.005")},
        cycles=closed,
        orders=[order_of(fill) for fill in fills],
        fills=fills,
        refusals=[Refusal(f"{symbols[0]}/{number}", symbols[0], "already_open", {}, START) for number in range(230)],
        spans=[ProtectionRestored("c", symbols[0], START, START + MINUTE, "closing")],
        dust=dust,
        missing_candles={symbols[0]: 80},
        checks=[CheckLine(name, symbol, 50, True) for name in ("ema_cross", "rsi", "donchian") for symbol in symbols],
    )


def small_run() -> RunResult:
    """Return a run over midnight small enough to check by hand: a cycle won, one open at the end, one expired."""
    start = parse_time("2023-12-31T23:58:00Z")
    at = [start + minute * MINUTE for minute in range(6)]
    bought = fill_of(1, "c1", "BTCUSDT", "BUY", D(100), D(2), at[1])
    sold = fill_of(2, "c1", "BTCUSDT", "SELL", D(110), D("1.998"), at[3])
    again = fill_of(3, "c2", "BTCUSDT", "BUY", D(112), D(1), at[4])
    closes = [D(100), D(104), D(108), D(110), D(111)]
    return RunResult(
        capital=D(1000),
        quote_asset="USDT",
        started_at=start,
        ended_at=at[5],
        tape="five minutes",
        instruments={"BTCUSDT": instrument("BTCUSDT")},
        candles={"BTCUSDT": candles_of("BTCUSDT", "1m", closes, start)},
        slippage=D("0.0005"),
        settings={"timeframe": "1m"},
        signals=[
            Signal(9, "BTCUSDT", "1m", "rsi", "SELL", D("0.5"), D(108), at[3]),
            Signal(10, "BTCUSDT", "1m", "ema_cross", "BUY", D("1.000000"), D("100.00"), at[1]),
            Signal(9, "BTCUSDT", "1m", "rsi", "BUY", D("0.25"), D(100), at[1]),
        ],
        verdicts=[Verdict(f"BTCUSDT/{at[1]}", "BTCUSDT", "1m", "BUY", D("0.750000"), at[1])],
        cycles=[
            TradeCycle("c2", "BTCUSDT", "open", 9, D(112), None, D(1), D("0.112"), None, "", at[4], at[4], "rsi", D(7)),
            TradeCycle(
                "c1",
                "BTCUSDT",
                "closed",
                10,
                D("100.00000000"),
                D(110),
                D(2),
                D("0.41978"),
                D("19.56022"),
                'at "2", out',
                at[1],
                at[3],
                "ema_cross",
                D(10),
            ),
            TradeCycle("c0", "BTCUSDT", "expired", 7, None, None, None, None, None, "", at[0], at[0], "rsi"),
        ],
        orders=[
            Order(
                "o2",
                "c1",
                "sim-b",
                "BTCUSDT",
                "SELL",
                "STOP_LOSS",
                D("1.998"),
                None,
                D("95.50"),
                "CANCELED",
                at[1],
                at[3],
            ),
            Order(
                "o1",
                "c1",
                "sim-a",
                "BTCUSDT",
                "BUY",
                "LIMIT",
                D("2.000"),
                D("100.3"),
                None,
                "FILLED",
                at[1],
                at[1],
                D(2),
            ),
        ],
        fills=[again, sold, bought],
        refusals=[
            Refusal("BTCUSDT/2", "BTCUSDT", "cooldown", {}, at[2]),
            Refusal("BTCUSDT/1", "BTCUSDT", "cooldown", {}, at[1]),
            Refusal("ADAUSDT/1", "ADAUSDT", "room", {"room": "3.4", "least": "5"}, at[1]),
        ],
    )
