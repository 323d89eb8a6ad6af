"""From settings to what a run needs: strategies put to use, a market, and what its state belongs to."""

import time
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path

import msgspec
from msgspec import Struct

from roottrading import __version__
from roottrading.cli.errors import CommandError
from roottrading.config.settings import STRATEGY_FOLDER, Settings, StrategySettings
from roottrading.config.show import settings_digest
from roottrading.runtimes.assembly import Cast, Traded, cast, fee_symbol
from roottrading.runtimes.market import Market, open_market
from roottrading.services.analyzer import StrategyUse
from roottrading.services.analyzer.plan import OWN, inputs_of
from roottrading.services.gateway.fold import check_foldable
from roottrading.strategies import catalog

_AS_IS = StrategySettings()  # of a strategy that the settings do not name


class Prepared(Struct, frozen=True):
    """A run that can begin; `faults` are what was passed over: strategies and candles, in words."""

    settings: Settings
    cast: Cast
    market: Market
    faults: tuple[str, ...]

    @property
    def identity(self) -> dict[str, str]:
        """What a state folder of this run belongs to."""
        instruments = [self.market.instruments[symbol] for symbol in self.market.symbols]
        strategies = [(use.name, use.timeframe, use.symbols, use.settings) for use in self.cast.uses]
        return {
            "tape": self.market.tape.digest,
            "version": __version__,
            "deployment": self.settings.account.deployment,
            "settings": settings_digest(self.settings),
            "strategies": digest(strategies),
            "instruments": digest(instruments),
        }


def known_strategies(settings: Settings) -> catalog.Loaded:
    """Return all strategies there are: built-in, installed, and those of the settings' folder."""
    folder = settings.run.strategy_folder
    if folder is None or (folder == STRATEGY_FOLDER and not Path(folder).exists()):
        return catalog.load()
    return catalog.load(Path(folder))


def prepare(settings: Settings) -> Prepared:
    """Find strategies, read tape and instruments. Raises what each of them raises, naming what is wrong."""
    known = known_strategies(settings)
    uses = strategy_uses(settings, known)
    market = open_market(
        settings.run, settings.account.quote_asset, _looked_at(settings, uses), now=time.time_ns() // 1000
    )
    check_timeframes(uses, market)
    repeated = market.tape.repeated.items()
    faults = (
        *map(str, (*known.broken, *known.warnings)),
        *(f"{symbol}: {count} candles stand on the tape again, and count once" for symbol, count in repeated),
    )
    return Prepared(settings, cast(settings, uses, market), market, faults)


def strategy_uses(settings: Settings, known: catalog.Loaded) -> list[StrategyUse]:
    """Return the strategies of the settings, made and put to use; CommandError where there are none."""
    uses = []
    for name in _selected(settings, known):
        given = settings.strategies.get(name, _AS_IS)
        strategy = catalog.make(name, given.parameters, known.strategies)
        uses.append(StrategyUse(name, strategy, given.timeframe or settings.run.timeframe))
    if not uses:
        raise CommandError("no strategy is enabled: name some with --strategies, or enable them in the settings")
    return uses


def _selected(settings: Settings, known: catalog.Loaded) -> list[str]:
    named = settings.run.strategies
    if "all" not in named:
        return sorted(set(named))
    return [name for name in sorted(known.strategies) if settings.strategies.get(name, _AS_IS).enabled]


def _looked_at(settings: Settings, uses: Iterable[StrategyUse]) -> dict[str, str]:
    """Return the further symbols that are looked at, each with one who does; CommandError for a bad input."""
    priced_by = fee_symbol(settings)
    found = {} if priced_by is None else {priced_by: "fees.in_bnb=true"}
    for use in uses:
        try:
            found |= {given.stream[0]: f"strategy {use.name}" for given in inputs_of(use, OWN)}
        except ValueError as error:
            raise CommandError(str(error)) from None
    found.pop(OWN, None)
    return dict(sorted(found.items()))


def check_timeframes(uses: Iterable[StrategyUse], market: Traded) -> None:
    """Raise CommandError for a strategy that looks at candles which cannot be folded from the market's."""
    for use in uses:
        for timeframe in {use.timeframe, *(given.stream[1] for given in inputs_of(use, OWN))}:
            try:
                check_foldable(market.finest, timeframe)
            except ValueError as error:
                raise CommandError(
                    f"strategy {use.name}: {error}; the candles are of {market.finest}, use a longer timeframe"
                ) from None


def digest(value: object) -> str:
    """Return a short text that is another for anything else."""
    return blake2b(msgspec.json.encode(value, order="deterministic"), digest_size=8).hexdigest()
