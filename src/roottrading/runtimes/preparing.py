"""From settings to a run that can begin: which strategies, which symbols, which market."""

from pathlib import Path

from msgspec import Struct

from roottrading.config.settings import Settings, StrategySettings
from roottrading.runtimes.assembly import Cast, cast
from roottrading.runtimes.market import Market, open_market
from roottrading.services.analyzer import StrategyUse
from roottrading.strategies import catalog
from roottrading.strategies.catalog import Fault, StrategyError

ALL = ("all",)
UNASKED = frozenset({"ema_rsi_cross"})  # a benchmark's rules: in use only where it is named


class Prepared(Struct, frozen=True):
    """A run before its first instant; `broken` are strategies of the user's that could not be used."""

    settings: Settings
    market: Market
    cast: Cast
    broken: tuple[Fault, ...]


def prepare(settings: Settings) -> Prepared:
    """Read the tape and make the strategies that the settings name.

    Raises TapeError and StrategyError saying what was wrong, where, and what to do.
    """
    uses, broken = strategies_in_use(settings)
    market = open_market(settings.run, settings.account.quote_asset, _foreign_symbols(uses))
    return Prepared(settings, market, cast(settings, uses, market), broken)


def strategies_in_use(settings: Settings) -> tuple[list[StrategyUse], tuple[Fault, ...]]:
    """Return the enabled strategies with their parameters, in the order of their names."""
    folder = settings.run.strategy_folder
    loaded = catalog.load(Path(folder) if folder else None)
    everything = tuple(settings.run.strategies) == ALL
    names = sorted(set(loaded.strategies) - UNASKED if everything else set(settings.run.strategies))
    uses = []
    for name in names:
        if fault := next((fault for fault in loaded.broken if fault.name == name), None):
            raise StrategyError(str(fault))
        given = settings.strategies.get(name, StrategySettings())
        if given.enabled:
            strategy = catalog.make(name, given.parameters, loaded.strategies)
            uses.append(StrategyUse(name, strategy, given.timeframe or settings.run.timeframe))
    if not uses:
        raise StrategyError("no strategy is enabled: name one with --strategies, or enable one under [strategies]")
    return uses, loaded.broken


def _foreign_symbols(uses: list[StrategyUse]) -> set[str]:
    declared = {declared.partition("/")[0] for use in uses for declared in use.strategy.inputs}
    return declared - {"*"}
