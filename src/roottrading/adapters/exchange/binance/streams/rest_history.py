"""The exchange's history over REST: candles, prints and books that the streams left out."""

from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from typing import Any, Final, TypeVar

from roottrading.adapters.exchange.binance.answers import Answer, Success
from roottrading.adapters.exchange.binance.calls import Parameters
from roottrading.adapters.exchange.binance.streams.exactness import exact, identity, microseconds
from roottrading.adapters.exchange.binance.streams.history import (
    CANDLES_A_QUESTION,
    TRADES_A_QUESTION,
    HistoryUnavailable,
)
from roottrading.adapters.exchange.binance.streams.observations import BookSnapshot, FullCandle, Level, PublicTrade
from roottrading.adapters.exchange.binance.streams.payloads import candle_of, levels_of, price_of
from roottrading.domain.candle import Candle
from roottrading.domain.time import MILLISECOND, SECOND, Time

Found = TypeVar("Found")
Ask = Callable[[str, Parameters, int], Awaitable[Answer]]

_SENSELESS: Final = (LookupError, TypeError, ValueError, ArithmeticError)
_LEVELS: Final = 1_000  # of each side; 5,000 would weigh 250
_WEIGHTS: Final = {"time": 1, "klines": 2, "aggTrades": 4, "trades": 25, "historicalTrades": 25, "depth": 50}


class RestHistory:
    """The port `History` by a function that asks one public question: path, parameters and request weight.

    Anything but a sensible answer raises HistoryUnavailable: a limit, silence, an error, numbers that make no sense.
    """

    def __init__(self, ask: Ask, settled: Time = SECOND) -> None:
        """Take how to ask; `settled` after its end a candle is final, and in the history. Nothing is asked yet."""
        self._ask = ask
        self._settled = settled

    async def klines(self, symbol: str, timeframe: str, start: Time, end: Time) -> Sequence[Candle]:
        """Return the candles with `start` <= open time < `end`, at most a thousand from `start` on.

        Which of them are closed is judged by the exchange's own clock, read before: where ours is ahead, an unfinished
        candle must not pass for a closed one, nor one that is still to come for one that there was not.
        """
        return await self._klines(symbol, timeframe, start, end, _candle)

    async def full_klines(self, symbol: str, timeframe: str, start: Time, end: Time) -> Sequence[FullCandle]:
        """Return the same with everything else that the exchange says of these candles."""
        return await self._klines(symbol, timeframe, start, end, _full_candle)

    async def _klines(
        self, symbol: str, timeframe: str, start: Time, end: Time, read: Callable[[str, str, Any, Time], Found]
    ) -> list[Found]:
        now = await self._time(symbol)
        if now < end + self._settled:
            raise HistoryUnavailable(f"klines of {symbol}: by the exchange's clock they are not over, ours is ahead")
        params: Parameters = {
            "symbol": symbol,
            "interval": timeframe,
            "startTime": start // MILLISECOND,
            "endTime": (end - 1) // MILLISECOND,
            "limit": CANDLES_A_QUESTION,
        }
        return await self._rows("klines", params, lambda row: read(symbol, timeframe, row, now))

    async def public_trades(self, symbol: str, aggregate: bool, first: int, last: int) -> Sequence[PublicTrade]:
        """Return the prints with ids from `first` to `last`, at most a thousand from `first` on."""
        limit = min(last - first + 1, TRADES_A_QUESTION)
        name = "aggTrades" if aggregate else "historicalTrades"
        params: Parameters = {"symbol": symbol, "fromId": first, "limit": limit}
        trades = await self._rows(name, params, lambda row: _trade(symbol, aggregate, row))
        return [each for each in trades if first <= each.trade_id <= last]

    async def newest_trades(self, symbol: str) -> Sequence[PublicTrade]:
        """Return the newest single trades, at most a thousand."""
        params: Parameters = {"symbol": symbol, "limit": TRADES_A_QUESTION}
        return await self._rows("trades", params, lambda row: _trade(symbol, False, row))

    async def depth(self, symbol: str) -> BookSnapshot:
        """Return the book's best thousand levels of each side."""
        told = await self._told("depth", {"symbol": symbol, "limit": _LEVELS}, symbol)
        try:
            return BookSnapshot(symbol, identity(told["lastUpdateId"]), _levels(told["bids"]), _levels(told["asks"]))
        except _SENSELESS as error:
            raise _unavailable("depth", symbol, error) from None

    async def _time(self, symbol: str) -> Time:
        told = await self._told("time", {}, symbol)
        try:
            return microseconds(told["serverTime"])
        except _SENSELESS as error:
            raise _unavailable("time", symbol, error) from None

    async def _rows(self, name: str, params: Parameters, read: Callable[[Any], Found]) -> list[Found]:
        told = await self._told(name, params, params["symbol"])
        try:
            return [read(row) for row in _list(told)]
        except _SENSELESS as error:
            raise _unavailable(name, params["symbol"], error) from None

    async def _told(self, name: str, params: Parameters, symbol: object) -> Any:
        answer = await self._ask(f"/api/v3/{name}", params, _WEIGHTS[name])
        if not isinstance(answer, Success):
            raise HistoryUnavailable(f"{name} of {symbol}: {answer}")
        return answer.told


def _candle(symbol: str, timeframe: str, row: Any, now: Time) -> Candle:
    opened, high, low, close = (_number(row[place]) for place in (1, 2, 3, 4))
    closed = microseconds(row[6]) < now
    return candle_of(symbol, timeframe, row[0], (opened, high, low, close), _number(row[5]), closed)


def _full_candle(symbol: str, timeframe: str, row: Any, now: Time) -> FullCandle:
    quote, bought, paid = (exact(_number(row[place])) for place in (7, 9, 10))
    return FullCandle(_candle(symbol, timeframe, row, now), quote, identity(row[8]), bought, paid)


def _trade(symbol: str, aggregate: bool, row: Any) -> PublicTrade:
    price, quantity, at, maker, trade_id, first, last = (
        (row["p"], row["q"], row["T"], row["m"], row["a"], row["f"], row["l"])
        if aggregate
        else (row["price"], row["qty"], row["time"], row["isBuyerMaker"], row["id"], row["id"], row["id"])
    )
    return PublicTrade(
        symbol,
        aggregate,
        identity(trade_id),
        price_of(_number(price)),
        exact(_number(quantity)),
        microseconds(at),
        bool(maker),
        identity(first),
        identity(last),
    )


def _levels(told: Any) -> tuple[Level, ...]:
    return levels_of([(_number(price), _number(quantity)) for price, quantity in _list(told)])


def _number(told: Any) -> Decimal:
    """Return the number of a text; TypeError for a JSON number, which went through a float."""
    if not isinstance(told, str):
        raise TypeError(f"{told!r} is no text of a number")
    return Decimal(told)


def _list(told: Any) -> list[Any]:
    if not isinstance(told, list):
        raise TypeError("a list was expected")
    return told


def _unavailable(name: str, symbol: object, error: Exception) -> HistoryUnavailable:
    return HistoryUnavailable(f"{name} of {symbol}: an answer that makes no sense ({error})")
