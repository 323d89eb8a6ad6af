"""Forwarding: closed candles of every timeframe that come folded already, and only those that somebody asked for."""

from collections.abc import Iterable

from roottrading.domain.time import Time
from roottrading.messages.channels import MARKET
from roottrading.messages.market import CandleAbsent, CandleClosed
from roottrading.messages.service import NOTHING, CandleMissing, CandleObserved, Decision, Input, Outgoing, Row


class Forwarder:
    """The gateway where candles that change nothing are left out (consistency-rules 1.5).

    Each candle goes on as it is and follows the last one of its stream, however long ago that was. The candles come
    from exact columns that were checked when they were read. It keeps no rows: what leaves candles out begins anew.
    """

    def __init__(self, symbols: Iterable[str]) -> None:
        """Take the symbols whose candles are forwarded."""
        self._symbols = frozenset(symbols)
        self._sent: dict[str, Time] = {}

    def restore(self, rows: Iterable[Row]) -> None:
        """Take nothing: there are no rows."""

    def decide(self, given: Input, now: Time) -> Decision:
        """Forward a closed candle, or the news that there was none; one not after the last of its stream is dropped."""
        body: CandleClosed | CandleAbsent
        if type(given) is CandleObserved:
            candle = given.candle
            if not candle.closed:
                return NOTHING
            body = CandleClosed(candle)
            symbol, timeframe, at = candle.symbol, candle.timeframe, candle.at
        elif type(given) is CandleMissing:
            body = CandleAbsent(given.symbol, given.timeframe, given.open_time)
            symbol, timeframe, at = given.symbol, given.timeframe, body.at
        else:
            return NOTHING
        key = f"{symbol}/{timeframe}"
        last = self._sent.get(key, 0)
        if symbol not in self._symbols or at <= last:
            return NOTHING
        self._sent[key] = at
        return Decision((Outgoing(MARKET, key, body, (last, at)),))
