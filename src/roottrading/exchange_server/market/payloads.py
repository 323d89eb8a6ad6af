"""What market streams say, as Binance writes it; times by the `stamp` of the connection's unit."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from msgspec import Struct

from roottrading.domain.money import ZERO, quotient
from roottrading.domain.time import Time
from roottrading.exchange_server.market.events import AggregateTrade, Level, PublicTrade
from roottrading.exchange_server.market.klines import Kline
from roottrading.exchange_server.wording import Stamp, amount

Payload = dict[str, Any]
_NONE: Final = (ZERO, ZERO)


class Facts(Struct, frozen=True):
    """What statistics tell beside their span: the present quotes, the last print's size, the close before the span."""

    bid: Level | None
    ask: Level | None
    last_quantity: Decimal
    close_before: Decimal


def last_instant(end: Time, stamp: Stamp) -> int:
    """Return the last instant before `end` in the unit of `stamp`: Binance's close times."""
    return stamp(end) - 1


def trade(symbol: str, print_: PublicTrade, now: Time, stamp: Stamp) -> Payload:
    """Return a print."""
    return {
        "e": "trade",
        "E": stamp(now),
        "s": symbol,
        "t": print_.id,
        "p": amount(print_.price),
        "q": amount(print_.quantity),
        "T": stamp(print_.at),
        "m": print_.buyer_is_maker,
        "M": True,
    }


def aggregate(symbol: str, joined: AggregateTrade, now: Time, stamp: Stamp) -> Payload:
    """Return an aggregate of prints."""
    return {"e": "aggTrade", "E": stamp(now), "s": symbol, **aggregate_row(joined, stamp)}


def aggregate_row(joined: AggregateTrade, stamp: Stamp) -> Payload:
    """Return an aggregate as REST has it too."""
    return {
        "a": joined.id,
        "p": amount(joined.price),
        "q": amount(joined.quantity),
        "f": joined.first_trade,
        "l": joined.last_trade,
        "T": stamp(joined.at),
        "m": joined.buyer_is_maker,
        "M": True,
    }


def kline(symbol: str, interval: str, candle: Kline, now: Time, stamp: Stamp) -> Payload:
    """Return a kline in progress, or closed where its end has come."""
    return {
        "e": "kline",
        "E": stamp(now),
        "s": symbol,
        "k": {
            "t": stamp(candle.open_time),
            "T": last_instant(candle.end, stamp),
            "s": symbol,
            "i": interval,
            "f": candle.first_trade,
            "L": candle.last_trade,
            "o": amount(candle.open),
            "c": amount(candle.close),
            "h": amount(candle.high),
            "l": amount(candle.low),
            "v": amount(candle.volume),
            "n": candle.trades,
            "x": candle.end <= now,
            "q": amount(candle.quote_volume),
            "V": amount(candle.taker_base),
            "Q": amount(candle.taker_quote),
            "B": "0",
        },
    }


def kline_row(candle: Kline, stamp: Stamp) -> list[Any]:
    """Return a kline as REST has it."""
    return [
        stamp(candle.open_time),
        amount(candle.open),
        amount(candle.high),
        amount(candle.low),
        amount(candle.close),
        amount(candle.volume),
        last_instant(candle.end, stamp),
        amount(candle.quote_volume),
        candle.trades,
        amount(candle.taker_base),
        amount(candle.taker_quote),
        "0",
    ]


def best(symbol: str, update: int, bid: Level | None, ask: Level | None) -> Payload:
    """Return the best quotes."""
    (bid_price, bid_quantity), (ask_price, ask_quantity) = bid or _NONE, ask or _NONE
    return {
        "u": update,
        "s": symbol,
        "b": amount(bid_price),
        "B": amount(bid_quantity),
        "a": amount(ask_price),
        "A": amount(ask_quantity),
    }


def rows(levels: Sequence[Level]) -> list[list[str]]:
    """Return levels of a book."""
    return [[amount(price), amount(quantity)] for price, quantity in levels]


def depth(
    symbol: str, first: int, last: int, bids: Sequence[Level], asks: Sequence[Level], now: Time, stamp: Stamp
) -> Payload:
    """Return changes of a book."""
    return {
        "e": "depthUpdate",
        "E": stamp(now),
        "s": symbol,
        "U": first,
        "u": last,
        "b": rows(bids),
        "a": rows(asks),
    }


def average(symbol: str, price: Decimal, now: Time, stamp: Stamp) -> Payload:
    """Return the average price of five minutes."""
    return {"e": "avgPrice", "E": stamp(now), "s": symbol, "i": "5m", "w": amount(price), "T": stamp(now)}


def percent(change: Decimal, base: Decimal) -> str:
    """Return a change as a percentage with three decimals; 0 of nothing."""
    if not base:
        return "0.000"
    return format(quotient(change * 100, base), ".3f")


def ticker(symbol: str, window: Kline, facts: Facts, now: Time, stamp: Stamp, name: str = "24hrTicker") -> Payload:
    """Return rolling statistics; only those of 24 hours tell the quotes and the close before them."""
    change = window.close - window.open
    average = quotient(window.quote_volume, window.volume) if window.volume else ZERO
    payload: Payload = {
        "e": name,
        "E": stamp(now),
        "s": symbol,
        "p": amount(change),
        "P": percent(change, window.open),
        "w": amount(average),
    }
    if name == "24hrTicker":
        bid, ask = facts.bid or _NONE, facts.ask or _NONE
        payload |= {
            "x": amount(facts.close_before),
            "c": amount(window.close),
            "Q": amount(facts.last_quantity),
            "b": amount(bid[0]),
            "B": amount(bid[1]),
            "a": amount(ask[0]),
            "A": amount(ask[1]),
            "o": amount(window.open),
        }
    else:
        payload |= {"o": amount(window.open), "c": amount(window.close)}
    return payload | {
        "h": amount(window.high),
        "l": amount(window.low),
        "v": amount(window.volume),
        "q": amount(window.quote_volume),
        "O": stamp(window.open_time),
        "C": stamp(now),
        "F": window.first_trade,
        "L": window.last_trade,
        "n": window.trades,
    }


def mini_ticker(symbol: str, window: Kline, now: Time, stamp: Stamp) -> Payload:
    """Return the short form of rolling statistics."""
    return {
        "e": "24hrMiniTicker",
        "E": stamp(now),
        "s": symbol,
        "c": amount(window.close),
        "o": amount(window.open),
        "h": amount(window.high),
        "l": amount(window.low),
        "v": amount(window.volume),
        "q": amount(window.quote_volume),
    }
