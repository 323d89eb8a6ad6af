"""What each unit is made of: the service on its shard's symbols, its rows given back, the candles before them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from roottrading.adapters.store.port import Archive, Loaded
from roottrading.config.settings import Settings
from roottrading.domain.instrument import Instrument
from roottrading.domain.time import Time, duration, start_of_day
from roottrading.messages.channels import MARKET, SIGNALS_AGGREGATED, SIGNALS_RAW
from roottrading.messages.service import Row, Service
from roottrading.runtimes.assembly import TABLES, Cast, builders
from roottrading.runtimes.distributed.sharding import unit_name
from roottrading.runtimes.distributed.unit.actor import NEWEST
from roottrading.runtimes.step import Unit
from roottrading.services.analyzer import NewestWindows, Plan
from roottrading.services.dispatcher import Dispatcher
from roottrading.services.gateway import Gateway
from roottrading.services.gateway.state import MARKET_DATA

_GATEWAY: Final = "gateway"


class Traded(Struct, frozen=True):
    """The symbols of a shard, and their filters."""

    symbols: tuple[str, ...]
    instruments: Mapping[str, Instrument]
    finest: str


class Casting:
    """Makes units; `cast` is that of all symbols, as one process would have it."""

    def __init__(self, settings: Settings, cast: Cast, instruments: Mapping[str, Instrument], archive: Archive) -> None:
        self._settings = settings
        self._instruments = instruments
        self._archive = archive
        self.cast = cast
        self.finest = cast.plan.finest
        self.symbols = cast.plan.symbols  # that are traded
        self.heard = tuple(sorted({symbol for symbol, _ in cast.plan.streams}))  # and those that are looked at
        self.timeframes = tuple(sorted({timeframe for _, timeframe in cast.plan.streams}, key=duration))
        self._wanted: tuple[Time, Mapping[str, Mapping[tuple[str, str], Time]]] = (-1, {})  # asked for last, by symbol

    @property
    def told(self) -> tuple[tuple[str, str], ...]:
        """The symbols and timeframes whose candles the gateway tells."""
        timeframes = sorted({self.finest, *self.timeframes})
        return tuple((symbol, timeframe) for symbol in self.heard for timeframe in timeframes)

    def symbols_for(self, role: str) -> tuple[str, ...]:
        """Return the symbols of all of a service's units."""
        return self.heard if role == _GATEWAY else self.symbols

    def streams(self, role: str, symbols: Iterable[str]) -> tuple[tuple[str, str], ...]:
        """Return what a unit hears on Pub/Sub: (source, stream)."""
        match role:
            case "analyzer":
                return tuple((_GATEWAY, _market(*stream)) for stream in self._plan(tuple(symbols)).streams)
            case "signal_aggregator":
                used = self.cast.plan.timeframes
                return tuple(("analyzer", f"{SIGNALS_RAW}/{each}/{used_}") for each in symbols for used_ in used)
            case "dispatcher":
                return tuple(("signal_aggregator", f"{SIGNALS_AGGREGATED}/{symbol}") for symbol in symbols)
        return ()

    async def make(
        self, role: str, shard: int, symbols: tuple[str, ...], loaded: Loaded, begins: Time = 0
    ) -> Unit | None:
        """Return the unit as it was left; None where an analyzer cannot know yet from which T on it is wanted.

        A gateway that never said anything begins after the T `begins`.
        """
        name = unit_name(role, shard)
        place = loaded.units.get(name)
        candles: Sequence[Row] = ()
        heard: dict[str, Time] | None = None
        windows = NewestWindows(self._plan(symbols)) if role == "analyzer" else None
        if role == _GATEWAY:
            last = self.said_until(symbols, loaded, shard, begins)
            since = {(symbol, self.finest): start_of_day(at - 1) for symbol, at in last.items()}
            candles = await self._kept(since, last)
        elif windows is not None:
            heard = await self._heard_until(symbols, {} if place is None else place.seen)
            if heard is None:
                return None
        service = self._service(role, symbols, windows)
        service.restore([*_rows(loaded, role), *candles])
        if windows is not None and heard is not None:
            for stream, start in windows.wanted_at(min(heard.values())).items():
                service.restore(await self._kept({stream: start}, heard))  # all at once would hold the process up
        if place is None:
            return Unit(role, shard, service, loaded.fence)
        return Unit(role, shard, service, loaded.fence, dict(place.seen), dict(place.sent))

    def said_until(self, symbols: Iterable[str], loaded: Loaded, shard: int, begins: Time) -> dict[str, Time]:
        """Return by symbol the T of the last finest candle that a gateway's unit said, `begins` where it never did."""
        place = loaded.units.get(unit_name(_GATEWAY, shard))
        sent = {} if place is None else place.sent
        return {symbol: sent.get(_market(symbol, self.finest), begins) for symbol in symbols}

    def wanted(self, symbol: str, at: Time) -> dict[tuple[str, str], Time]:
        """Return by timeframe's stream since when candles of a symbol are wanted for whoever begins at `at`."""
        if self._wanted[0] != at:
            by_symbol: dict[str, dict[tuple[str, str], Time]] = defaultdict(dict)
            for stream, since in self._windows.wanted_at(at).items():
                by_symbol[stream[0]][stream] = since
            self._wanted = (at, by_symbol)
        finest, day = (symbol, self.finest), start_of_day(at - 1)
        found = self._wanted[1].get(symbol, {})
        return {**found, finest: min(day, found.get(finest, day))}

    # ---- inside

    @cached_property
    def _windows(self) -> NewestWindows:
        """Windows of all symbols that hear nothing: they say what is wanted, and nobody but an analyzer reads any."""
        return NewestWindows(self.cast.plan, room=1)

    def _plan(self, symbols: tuple[str, ...]) -> Plan:
        whole = self.cast.plan
        return Plan(whole.deployment, whole.uses, symbols, whole.finest, known=whole.symbols)

    def _service(self, role: str, symbols: tuple[str, ...], windows: NewestWindows | None) -> Service:
        if role == "dispatcher":
            return Dispatcher()
        if role == _GATEWAY:
            return Gateway(symbols, self.finest, self.timeframes)
        cast = self.cast if windows is None else replace(self.cast, plan=self._plan(symbols))
        traded = Traded(symbols, self._instruments, self.finest)
        return builders(self._settings, cast, traded)[role](windows or self._windows)

    async def _heard_until(self, symbols: Iterable[str], seen: Mapping[tuple[str, str], int]) -> dict[str, Time] | None:
        """Return by symbol the T of the finest candle heard last, at first that before the gateway's first message."""
        heard: dict[str, Time] = {}
        for symbol in {symbol for symbol, _ in self._plan(tuple(symbols)).streams}:
            stream = _market(symbol, self.finest)
            at = seen.get((_GATEWAY, stream), 0)
            if not at:
                said = await self._archive.said(_GATEWAY, stream, 0, NEWEST)
                if not said:
                    return None
                at = said[0].sequence - duration(self.finest)
            heard[symbol] = at
        return heard

    async def _kept(self, since: Mapping[tuple[str, str], Time], until: Mapping[str, Time]) -> list[Row]:
        rows: list[Row] = []
        for (symbol, timeframe), start in sorted(since.items()):
            for candle in await self._archive.candles(symbol, timeframe, start, until[symbol]):
                rows.append(Row(MARKET_DATA, (symbol, timeframe, candle.open_time), candle))
        return rows


def _market(symbol: str, timeframe: str) -> str:
    return f"{MARKET}/{symbol}/{timeframe}"


def _rows(loaded: Loaded, role: str) -> list[Row]:
    tables = TABLES.get(role, ())
    return [row for table in tables if table.kept == "state" for row in loaded.rows.get(table.name, ())]
