"""The market's endpoints, for REST and the WebSocket API alike."""

import re
from collections.abc import Callable
from typing import Any, Final

from roottrading.domain.time import DAY, HOUR, MINUTE, Time
from roottrading.exchange_server.endpoint import Call, Endpoint
from roottrading.exchange_server.errors import ApiError, invalid
from roottrading.exchange_server.market import answers
from roottrading.exchange_server.market.intervals import INTERVALS, open_of, zone_offset
from roottrading.exchange_server.market.payloads import aggregate_row, kline_row
from roottrading.exchange_server.market.public_market import PublicMarket
from roottrading.exchange_server.market.symbol_market import AVERAGE_MINUTES, SymbolMarket
from roottrading.exchange_server.parameters import Parameters
from roottrading.exchange_server.wording import amount

MOST_SYMBOLS: Final = 100
UNAVAILABLE: Final = 503
_WINDOW: Final = re.compile(r"(?:([1-9]|[1-5]\d)m|([1-9]|1\d|2[0-3])h|([1-7])d)")
_SYMBOL: Final = frozenset({"symbol"})
_SYMBOLS: Final = frozenset({"symbol", "symbols", "symbolStatus"})
_KLINES: Final = frozenset({"symbol", "interval", "startTime", "endTime", "timeZone", "limit"})


class Questions:
    """Answers about one market."""

    def __init__(self, market: PublicMarket) -> None:
        """Take the market that is asked about."""
        self._market = market

    # ---- one symbol

    def depth(self, call: Call) -> Any:
        """Answer the book."""
        return answers.depth(self._symbol(call), call.parameters.limit(100, 5_000))

    def trades(self, call: Call) -> Any:
        """Answer the newest prints."""
        prints = self._symbol(call).source.trades(call.now, None, call.parameters.limit(500, 1_000))
        return [answers.trade(each, call.stamp) for each in prints]

    def historical_trades(self, call: Call) -> Any:
        """Answer prints from an id on, or the newest."""
        first = call.parameters.integer("fromId")
        prints = self._symbol(call).source.trades(call.now, first, call.parameters.limit(500, 1_000))
        return [answers.trade(each, call.stamp) for each in prints]

    def aggregate_trades(self, call: Call) -> Any:
        """Answer aggregates of prints from an id or an instant on, up to an instant, or the newest."""
        asked = call.parameters
        first, start, end = asked.integer("fromId"), asked.instant("startTime"), asked.instant("endTime")
        if first is not None and (start is not None or end is not None):
            raise ApiError(-1128, "Combination of optional parameters invalid.")
        joined = self._symbol(call).source.aggregates(call.now, first, start, end, asked.limit(500, 1_000))
        return [aggregate_row(each, call.stamp) for each in joined]

    def klines(self, call: Call) -> Any:
        """Answer klines, the last of them in progress."""
        asked = call.parameters
        symbol, interval = self._symbol(call), asked.required("interval")
        if interval not in INTERVALS:
            raise ApiError(-1120, "Invalid interval.")
        offset = self._offset(asked)
        start, end = asked.instant("startTime"), asked.instant("endTime")
        found = symbol.klines(interval, start, end, asked.limit(500, 1_000), call.now, offset)
        return [kline_row(kline, call.stamp) for kline in found]

    def average(self, call: Call) -> Any:
        """Answer the average price of five minutes."""
        symbol = self._symbol(call)
        newest = symbol.source.trades(call.now, None, 1)
        return {
            "mins": AVERAGE_MINUTES,
            "price": amount(symbol.average(call.now)),
            "closeTime": call.stamp(newest[0].at if newest else call.now),
        }

    # ---- several symbols

    def price(self, call: Call) -> Any:
        """Answer last prices."""
        return self._each(call, lambda symbol: answers.price(symbol, call.now))

    def best(self, call: Call) -> Any:
        """Answer best quotes."""
        return self._each(call, answers.best)

    def last_day(self, call: Call) -> Any:
        """Answer the statistics of the last 24 hours."""
        full = self._full(call)

        def shown(symbol: SymbolMarket) -> Any:
            window = symbol.window(DAY, call.now)
            return answers.statistics(symbol, call.now - DAY, window, call.now, call.stamp, full=full, day=True)

        return self._each(call, shown)

    def trading_day(self, call: Call) -> Any:
        """Answer the statistics since the day began, in the time zone asked for."""
        full, offset = self._full(call), self._offset(call.parameters)
        start = open_of("1d", call.now, offset)
        return self._each(call, lambda symbol: self._since(symbol, start, call, full=full), required=True)

    def window(self, call: Call) -> Any:
        """Answer the statistics of a window of up to seven days, moving by minutes."""
        full, span = self._full(call), _span(call.parameters)
        start = call.now - span
        start -= start % MINUTE
        return self._each(call, lambda symbol: self._since(symbol, start, call, full=full), required=True)

    # ---- reading

    @staticmethod
    def _since(symbol: SymbolMarket, start: Time, call: Call, *, full: bool) -> Any:
        window = symbol.source.kline(start, call.now - call.now % MINUTE + MINUTE, call.now)
        return answers.statistics(symbol, start, window, call.now, call.stamp, full=full)

    def _symbol(self, call: Call) -> SymbolMarket:
        """Return the symbol that is asked about."""
        return self._known(call.parameters.symbol(self._market.symbols))

    def _known(self, name: str) -> SymbolMarket:
        """Return a symbol; nothing is said of one whose present is not known."""
        symbol = self._market.symbols[name]
        if symbol.source.is_stale:
            raise ApiError(-1001, "Internal error; unable to process your request. Please try again.", UNAVAILABLE)
        return symbol

    def _each(self, call: Call, shown: Callable[[SymbolMarket], Any], *, required: bool = False) -> Any:
        """Answer for one symbol, for those listed, or (unless one must be named) for all."""
        asked, known = call.parameters, self._market.symbols
        several = asked.symbols(known)
        if several is not None:
            if "symbol" in asked:
                raise ApiError(-1128, "Combination of optional parameters invalid.")
            if len(several) > MOST_SYMBOLS and required:
                raise ApiError(-1101, "Too many parameters; expected '100' symbols at most.")
            return [shown(self._known(symbol)) for symbol in several]
        if "symbol" in asked or required:
            return shown(self._symbol(call))
        return [shown(symbol) for symbol in known.values() if not symbol.source.is_stale]

    @staticmethod
    def _full(call: Call) -> bool:
        return call.parameters.choice("type", frozenset({"FULL", "MINI"})) != "MINI"

    @staticmethod
    def _offset(asked: Parameters) -> int:
        offset = zone_offset(asked.text("timeZone") or "0")
        if offset is None:
            raise invalid("timeZone")
        return offset


def market_endpoints(market: PublicMarket) -> tuple[Endpoint, ...]:
    """Return the endpoints that answer about `market`."""
    ask = Questions(market)
    return (
        Endpoint("GET", "/api/v3/depth", "depth", ask.depth, _SYMBOL | {"limit", "symbolStatus"}, weight=_depth_weight),
        Endpoint("GET", "/api/v3/trades", "trades.recent", ask.trades, _SYMBOL | {"limit"}, weight=25),
        Endpoint(
            "GET",
            "/api/v3/historicalTrades",
            "trades.historical",
            ask.historical_trades,
            _SYMBOL | {"limit", "fromId"},
            weight=25,
        ),
        Endpoint(
            "GET",
            "/api/v3/aggTrades",
            "trades.aggregate",
            ask.aggregate_trades,
            _SYMBOL | {"fromId", "startTime", "endTime", "limit"},
            weight=4,
        ),
        Endpoint("GET", "/api/v3/klines", "klines", ask.klines, _KLINES, weight=2),
        Endpoint("GET", "/api/v3/uiKlines", "uiKlines", ask.klines, _KLINES, weight=2),
        Endpoint("GET", "/api/v3/avgPrice", "avgPrice", ask.average, _SYMBOL, weight=2),
        Endpoint("GET", "/api/v3/ticker/price", "ticker.price", ask.price, _SYMBOLS, weight=_two_or_four),
        Endpoint("GET", "/api/v3/ticker/bookTicker", "ticker.book", ask.best, _SYMBOLS, weight=_two_or_four),
        Endpoint("GET", "/api/v3/ticker/24hr", "ticker.24hr", ask.last_day, _SYMBOLS | {"type"}, weight=_day_weight),
        Endpoint(
            "GET",
            "/api/v3/ticker/tradingDay",
            "ticker.tradingDay",
            ask.trading_day,
            _SYMBOLS | {"type", "timeZone"},
            weight=_by_symbol,
        ),
        Endpoint("GET", "/api/v3/ticker", "ticker", ask.window, _SYMBOLS | {"type", "windowSize"}, weight=_by_symbol),
    )


def _span(asked: Parameters) -> int:
    text = asked.text("windowSize") or "1d"
    match = _WINDOW.fullmatch(text)
    if match is None:
        raise invalid("windowSize")
    return int(match[1] or 0) * MINUTE + int(match[2] or 0) * HOUR + int(match[3] or 0) * DAY


# ---- weights


def _depth_weight(asked: Parameters) -> int:
    limit = _limit_of(asked)
    return 5 if limit <= 100 else 25 if limit <= 500 else 50 if limit <= 1_000 else 250


def _limit_of(asked: Parameters) -> int:
    try:
        return asked.integer("limit") or 100
    except ApiError:
        return 100


def _count(asked: Parameters) -> int:
    """Return how many symbols are listed, 0 for all."""
    if "symbol" in asked:
        return 1
    try:
        text = asked.text("symbols")
    except ApiError:
        return 0
    return 0 if text is None else text.count(",") + 1


def _two_or_four(asked: Parameters) -> int:
    return 2 if "symbol" in asked else 4


def _day_weight(asked: Parameters) -> int:
    count = _count(asked)
    return 80 if not count or count > 100 else 2 if count <= 20 else 40


def _by_symbol(asked: Parameters) -> int:
    return min(max(_count(asked), 1) * 4, 200)
