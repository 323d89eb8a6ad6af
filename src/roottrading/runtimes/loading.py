"""Start-up is recovery: services get their rows and places back, and candles refill what is never stored."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from roottrading.adapters.exchange.simulated import SimulatedExchange
from roottrading.adapters.store.port import Loaded
from roottrading.domain.columns import Candles
from roottrading.domain.time import Time, duration, start_of_day
from roottrading.messages.service import Row
from roottrading.runtimes.assembly import TABLES, Cast
from roottrading.runtimes.market import Market
from roottrading.runtimes.replay import CandleReader
from roottrading.runtimes.session import Position
from roottrading.runtimes.step import Unit
from roottrading.services.analyzer import NewestWindows


def known_until(position: Position | None, market: Market) -> Time:
    """Return the last T whose candles the services have been given: what came later is played again."""
    return market.start if position is None else given_until(position, duration(market.finest))


def given_until(position: Position, step: int) -> Time:
    """Return the last T, a multiple of `step`, whose candles were given when a run stood at this position."""
    if position.phase == "candles" or position.at % step:
        return position.at - position.at % step
    return position.at - step


def closed_by(candles: Candles, until: Time) -> Candles:
    """Return the candles that had closed by `until`."""
    return candles.slice(0, int(np.searchsorted(candles.open_time, until - duration(candles.timeframe), side="right")))


def fill_windows(opinions: NewestWindows, cast: Cast, market: Market, until: Time) -> None:
    """Give the analyzer's windows the candles before `until`, as `market_data` would."""
    for symbol, timeframe in cast.plan.streams:
        if symbol in market.tape:
            opinions.fill(closed_by(market.candles(symbol, timeframe), until))


def restore(
    units: Mapping[str, Unit], exchange: SimulatedExchange, loaded: Loaded, market: Market, until: Time
) -> None:
    """Give every unit and the exchange their rows back, the gateway the finest candles of the day as well."""
    for role, unit in units.items():
        _load(unit, loaded, _candles_of_the_day(market, until) if role == "gateway" else ())
    restore_exchange(exchange, loaded)


def restore_exchange(exchange: SimulatedExchange, loaded: Loaded) -> None:
    """Give a fresh exchange its rows back, where there was a run before."""
    if loaded.position is not None:
        exchange.restore(_rows(loaded, "exchange"))


def load_units(units: Mapping[str, Unit], loaded: Loaded, candles: Sequence[Row]) -> None:
    """Give every unit its rows back, gateway and analyzer the candles (rows of `market_data`) that came before."""
    for role, unit in units.items():
        _load(unit, loaded, candles if role in ("gateway", "analyzer") else ())


def _load(unit: Unit, loaded: Loaded, candles: Iterable[Row]) -> None:
    unit.service.restore([*_rows(loaded, unit.role), *candles])
    place = loaded.units.get(unit.role)
    if place is not None:
        unit.seen = dict(place.seen)
        unit.sent = dict(place.sent)


def _rows(loaded: Loaded, role: str) -> list[Row]:
    return [row for table in TABLES[role] if table.kept == "state" for row in loaded.rows.get(table.name, ())]


def _candles_of_the_day(market: Market, until: Time) -> Iterable[Row]:
    for symbol in market.tape:
        reader = CandleReader(closed_by(market.tape[symbol], until))
        for row in range(reader.first_at_or_after(start_of_day(until - 1)), len(reader)):
            candle = reader.candle(row)
            yield Row("market_data", (symbol, candle.timeframe, candle.open_time), candle)


def stand_on_opens(exchange: SimulatedExchange, readers: Mapping[str, CandleReader], at: Time) -> None:
    """Tell a fresh exchange where its symbols stand before anything has happened: on an open, in a halt on a close."""
    for symbol in sorted(readers):
        reader = readers[symbol]
        row = reader.last_by(at)
        if row < 0:
            continue
        closes = reader.open_time(row) + reader.span
        if at < closes:
            exchange.candle_opens(reader.candle(row), at)
        else:
            exchange.candle_closed(reader.candle(row), closes)
