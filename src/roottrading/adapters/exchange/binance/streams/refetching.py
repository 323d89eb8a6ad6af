"""Questions of the sequences, put to the exchange's history: a few at a time, and asked again where it has none."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from msgspec import Struct

from roottrading.adapters.exchange.binance.streams.book_sequence import BookSequence
from roottrading.adapters.exchange.binance.streams.candle_sequence import CandleSequence
from roottrading.adapters.exchange.binance.streams.history import (
    BookWanted,
    CandlesWanted,
    History,
    HistoryUnavailable,
    Question,
    TradesWanted,
)
from roottrading.adapters.exchange.binance.streams.newest import Newest
from roottrading.adapters.exchange.binance.streams.observations import MarketObservation
from roottrading.adapters.exchange.binance.streams.settings import StreamSettings
from roottrading.adapters.exchange.binance.streams.subscriptions import Subscription
from roottrading.adapters.exchange.binance.streams.trade_sequence import TradeSequence
from roottrading.domain.candle import Candle
from roottrading.domain.time import Time

Sequence = CandleSequence | TradeSequence | BookSequence | Newest

_LOG: Final = logging.getLogger(__name__)


class Answered(Struct, frozen=True):
    """What may be passed on after an answer, and the candles with trades in it that the stream should have brought."""

    said: tuple[MarketObservation, ...] = ()
    candles: tuple[Candle, ...] = ()


class Refetcher:
    """Asks the history; counts the questions and those that had no answer."""

    def __init__(self, history: History, settings: StreamSettings, exchange_time: Callable[[], Time]) -> None:
        """Take the history, and the exchange's clock: an answer is as of when it came."""
        self.counts: Counter[str] = Counter()
        self._history = history
        self._exchange_time = exchange_time
        self._answers = True
        self._turns = asyncio.Semaphore(settings.questions)

    async def ask(self, sequence: Sequence, question: Question) -> Answered:
        """Put one question and give the sequence its answer, or tell it that there was none."""
        async with self._turns:
            self.counts[type(question).__name__] += 1
            try:
                answered = await self._answer(sequence, question)
            except HistoryUnavailable as error:
                if self._answers:
                    _LOG.warning("%s: no answer, it is asked again (%s)", question, error)
                self.counts["unanswered"] += 1
                self._answers = False
            else:
                if not self._answers:
                    _LOG.warning("the history answers again")
                self._answers = True
                return answered
        assert not isinstance(sequence, Newest)
        sequence.failed(self._exchange_time())
        return Answered()

    async def _answer(self, sequence: Any, question: Question) -> Answered:
        candles: tuple[Candle, ...] = ()
        found: Any
        match question:
            case CandlesWanted(symbol, timeframe, start, end):
                found = await self._history.klines(symbol, timeframe, start, end)
                candles = tuple(each for each in found if each.volume)
            case TradesWanted(symbol, aggregate, first, last):
                found = await self._history.public_trades(symbol, aggregate, first, last)
            case BookWanted(symbol):
                found = await self._history.depth(symbol)
        return Answered(sequence.answer(question, found, self._exchange_time()), candles)


def sequence_of(subscription: Subscription, first: int | None, settings: StreamSettings) -> Sequence:
    """Return the sequence that puts a stream's messages in order, from `first` on where that is known.

    `first` is the open time of a candle, or the id of a trade.
    """
    match subscription.kind:
        case "candles":
            return CandleSequence(subscription.symbol, subscription.timeframe, first, settings.patience)
        case "aggregate_trades" | "trades":
            return TradeSequence(
                subscription.symbol,
                subscription.kind == "aggregate_trades",
                most_refetched=settings.most_trades_refetched,
                again=settings.ask_again,
                first=first,
            )
        case "depth":
            return BookSequence(subscription.symbol, again=settings.ask_again)
        case _:
            return Newest()
