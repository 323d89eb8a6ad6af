"""What REST and WebSocket API answer about the market, as Binance writes it."""

from typing import Any

from roottrading.domain.money import ZERO, quotient
from roottrading.domain.time import Time
from roottrading.exchange_server.market.events import PublicTrade
from roottrading.exchange_server.market.klines import Kline
from roottrading.exchange_server.market.payloads import percent, rows
from roottrading.exchange_server.market.symbol_market import SymbolMarket
from roottrading.exchange_server.wording import Stamp, amount


def depth(symbol: SymbolMarket, limit: int) -> dict[str, Any]:
    """Return the book."""
    book = symbol.book
    return {
        "lastUpdateId": book.update,
        "bids": rows(book.bids.levels(limit)),
        "asks": rows(book.asks.levels(limit)),
    }


def trade(print_: PublicTrade, stamp: Stamp) -> dict[str, Any]:
    """Return a print."""
    return {
        "id": print_.id,
        "price": amount(print_.price),
        "qty": amount(print_.quantity),
        "quoteQty": amount(print_.quote_quantity),
        "time": stamp(print_.at),
        "isBuyerMaker": print_.buyer_is_maker,
        "isBestMatch": True,
    }


def price(symbol: SymbolMarket, now: Time) -> dict[str, Any]:
    """Return the last price."""
    return {"symbol": symbol.symbol, "price": amount(symbol.source.last_price(now))}


def best(symbol: SymbolMarket) -> dict[str, Any]:
    """Return the best quotes."""
    _, bid, ask = symbol.book.best
    return {
        "symbol": symbol.symbol,
        "bidPrice": amount(bid and bid[0]),
        "bidQty": amount(bid and bid[1]),
        "askPrice": amount(ask and ask[0]),
        "askQty": amount(ask and ask[1]),
    }


def statistics(
    symbol: SymbolMarket, start: Time, window: Kline | None, now: Time, stamp: Stamp, *, full: bool, day: bool = False
) -> dict[str, Any]:
    """Return the statistics of `[start, now]`; without `full` the short form, with `day` those of the last 24 hours."""
    if window is None:
        last = symbol.source.last_price(now) or ZERO
        window = Kline(start, now, last, last, last, last)
    change = window.close - window.open
    average = quotient(window.quote_volume, window.volume) if window.volume else ZERO
    shown: dict[str, Any] = {"symbol": symbol.symbol}
    if full:
        shown |= {
            "priceChange": amount(change),
            "priceChangePercent": percent(change, window.open),
            "weightedAvgPrice": amount(average),
        }
    if full and day:
        facts = symbol.facts(window, now)
        shown |= {
            "prevClosePrice": amount(facts.close_before),
            "lastPrice": amount(window.close),
            "lastQty": amount(facts.last_quantity),
            **{name: value for name, value in best(symbol).items() if name != "symbol"},
        }
    shown |= {
        "openPrice": amount(window.open),
        "highPrice": amount(window.high),
        "lowPrice": amount(window.low),
    }
    if not (full and day):
        shown["lastPrice"] = amount(window.close)
    return shown | {
        "volume": amount(window.volume),
        "quoteVolume": amount(window.quote_volume),
        "openTime": stamp(start),
        "closeTime": stamp(now),
        "firstId": window.first_trade,
        "lastId": window.last_trade,
        "count": window.trades,
    }
