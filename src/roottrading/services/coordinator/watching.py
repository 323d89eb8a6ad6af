"""What the coordinator must see: a candle outside all of these changes nothing (consistency-rules 1.5)."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final

from msgspec import Struct

from roottrading.domain.instrument import Instrument
from roottrading.domain.money import ONE, ZERO, quotient_down
from roottrading.domain.position import Manager
from roottrading.messages.service import Watch
from roottrading.services.coordinator.limits import daily_floor, drawdown_floor
from roottrading.services.coordinator.managing import step_of
from roottrading.services.coordinator.records import State
from roottrading.services.coordinator.settings import CoordinatorSettings, TrailingSettings
from roottrading.services.coordinator.state import Account, OpenCycle

MICRO: Final = Decimal("0.000001")  # verdict values have 6 decimals
DAILY: Final = "daily_loss"
DRAWDOWN: Final = "drawdown"


_Pair = tuple[Watch, Watch]  # a symbol's watches: of its verdict, and of its close


class _Fixed(Struct, frozen=True):
    """A symbol's watches that never change, built once: of its verdict by the crossing bit, and of no close."""

    flat: dict[bool | None, _Pair]
    held: dict[bool | None, _Pair]


def _fixed(symbol: str, threshold: Decimal) -> _Fixed:
    key = f"verdict/{symbol}"
    every = Watch(key, key, ONE, -ONE)
    falls = Watch(key, key, threshold - MICRO)
    no_close = Watch(f"close/{symbol}", symbol)
    alike: dict[bool | None, _Pair] = {None: (every, no_close), False: (falls, no_close)}
    return _Fixed(
        alike | {True: (Watch(key, key, None, threshold), no_close)},
        alike | {True: (Watch(key, key, -threshold, threshold), no_close)},
    )


class Watches:
    """The watches that stand at the runtime, so that only changed ones are said again."""

    def __init__(
        self, instruments: Mapping[str, Instrument], settings: CoordinatorSettings, managers: Mapping[str, Manager]
    ) -> None:
        self._instruments = instruments
        self._settings = settings
        self._managers = managers
        self._standing: dict[str, Watch] = {}
        self._told: dict[str, _Pair] = {}  # by symbol, of those that stand
        self._fixed = {symbol: _fixed(symbol, settings.threshold) for symbol in instruments}

    def all(self, state: State) -> list[Watch]:
        """Return every watch there should be, by key."""
        wanted = [watch for symbol in sorted(self._instruments) for watch in self._of_symbol(state, symbol)]
        return [*wanted, *self._of_equity(state)]

    def restate(self, state: State) -> list[Watch]:
        """Return all watches, as after every load: nobody knows what stood before."""
        watches = self.all(state)
        self._told = {}
        self._standing = {watch.key: watch for watch in watches}
        return watches

    def changed(self, state: State, symbols: Iterable[str], equity: bool) -> list[Watch]:
        """Return the watches of these symbols (and of equity) that are no longer what was said last."""
        wanted: list[Watch] = []
        for symbol in sorted(symbols):
            pair = self._of_symbol(state, symbol)
            if pair is not self._told.get(symbol):
                self._told[symbol] = pair
                wanted.extend(pair)
        if equity:
            wanted.extend(self._of_equity(state))
        changed = []
        for watch in wanted:
            before = self._standing.get(watch.key)
            if before is not watch and before != watch:
                self._standing[watch.key] = watch
                changed.append(watch)
        return changed

    def _of_symbol(self, state: State, symbol: str) -> _Pair:
        fixed = self._fixed[symbol]
        known = state.symbols.get(symbol)
        below = None if known is None else known.below
        cycle = state.cycles.get(symbol)
        if cycle is not None and cycle.waits:
            return fixed.held[below][0], Watch(f"close/{symbol}", symbol, None, ZERO)
        if cycle is None or cycle.asked or cycle.status not in {"opening", "open"}:
            return fixed.flat[below]
        close = self._of_close(cycle)
        return fixed.held[below] if close is None else (fixed.held[below][0], close)

    def _of_close(self, cycle: OpenCycle) -> Watch | None:
        """Return which closes an open cycle needs: its manager's candles, a target held here, where the stop trails."""
        every = cycle.timeframe if cycle.strategy in self._managers else ""
        above = cycle.target_price if cycle.held_target else None
        if self._settings.trailing is not None and cycle.atr is not None:
            trails = trails_above(cycle, cycle.atr, self._settings.trailing, self._instruments[cycle.symbol])
            above = trails if above is None else min(above, trails)
        if above is None and not every:
            return None
        return Watch(f"close/{cycle.symbol}", cycle.symbol, None, above, every)

    def _of_equity(self, state: State) -> list[Watch]:
        settings, account = self._settings, state.account
        watches = []
        if settings.daily_loss is not None:
            judged = account.day is not None and not account.daily_breach
            watches.append(Watch(DAILY, "equity", daily_floor(account, settings.daily_loss) if judged else None))
        if settings.max_drawdown is not None:
            if account.mark is None or account.drawdown_breach:
                watches.append(Watch(DRAWDOWN, "equity"))
            else:
                floor = drawdown_floor(account.mark, settings.max_drawdown)
                watches.append(Watch(DRAWDOWN, "equity", floor, fall=settings.max_drawdown))
        return watches


def judged_by(account: Account) -> tuple[object, ...]:
    """Return what the equity watches depend on."""
    return account.mark, account.day, account.opening, account.daily_breach, account.drawdown_breach


def trails_above(cycle: OpenCycle, atr: Decimal, trailing: TrailingSettings, instrument: Instrument) -> Decimal:
    """Return a close below which the trailing stop does not move: where it starts, and a step above the stop."""
    moves = cycle.stop_price + step_of(cycle, instrument) + trailing.distance * atr
    if not cycle.bought:
        return moves
    start = cycle.paid + trailing.start * (cycle.paid - cycle.initial_stop * cycle.bought)
    return max(moves, quotient_down(start, cycle.bought))
