"""What is traded with which strategies, as recorded changes say: from a named T on, on all instances (6.2).

The changes in the database are the truth. The settings' own wishes are among them, as changes of who is called
`settings`; a later change of a name goes before an earlier one, whoever made it.
"""

from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from roottrading.adapters.bus.redis_state import StrategyConfigured
from roottrading.adapters.store.postgres.configuration import Configured
from roottrading.config.settings import Settings, StrategySettings
from roottrading.domain.time import SECOND, Time

SETTINGS: Final = "settings"  # who wishes what the settings say
EVER: Final[Time] = 2**62
NOTICE: Final = 3 * SECOND  # of ours: what a change is recorded ahead of the moment at which processes begin anew
_NOTICE_CANDLES: Final = 2  # by then the gateway has told a candle of a symbol that is new
_TRADED: Final = '"traded"'
_LEAVING: Final = '"leaving"'  # nothing is bought any more; what is held is looked after
_AS_IS: Final = StrategySettings()


class Configuration(Struct, frozen=True):
    """The symbols that are traded, those that are only looked after, and every strategy as it is used."""

    traded: frozenset[str]
    leaving: frozenset[str]
    strategies: Mapping[str, StrategyConfigured]

    @property
    def made_of(self) -> tuple[frozenset[str], dict[str, StrategyConfigured]]:
        """What processes are made of: all symbols that are looked after, and the strategies that are on."""
        return self.traded | self.leaving, {name: each for name, each in self.strategies.items() if each.enabled}


def replayed(changes: Iterable[Configured], until: Time = EVER) -> Configuration | None:
    """Return what the changes that count at `until` come to; None where there are none."""
    symbols: dict[str, str] = {}
    strategies: dict[str, StrategyConfigured] = {}
    counting = [change for change in changes if change.effective_at <= until]
    for change in counting:
        if change.value is None:
            symbols.pop(change.name, None) if change.kind == "symbol" else strategies.pop(change.name, None)
        elif change.kind == "symbol":
            symbols[change.name] = change.value
        else:
            strategies[change.name] = msgspec.json.decode(change.value, type=StrategyConfigured)
    if not counting:
        return None
    traded = frozenset(name for name, value in symbols.items() if value == _TRADED)
    return Configuration(traded, frozenset(symbols) - traded, strategies)


def wished(settings: Settings, enabled: Collection[str], known: Iterable[str]) -> Configuration:
    """Return what the settings say, with the names of the strategies that they enable."""
    found = {}
    for name in sorted(known):
        given = settings.strategies.get(name, _AS_IS)
        used = StrategyConfigured(name in enabled, given.parameters, given.weight)
        found[name] = msgspec.json.decode(msgspec.json.encode(used), type=StrategyConfigured)  # as it will be read
    return Configuration(frozenset(settings.run.symbols), frozenset(), found)


def completed(asked: Mapping[str, StrategyConfigured], before: Configuration) -> dict[str, StrategyConfigured]:
    """Return strategies as a person left them: what is left out stays, and one that is gone is off."""
    found = {}
    for name in sorted({*asked, *before.strategies}):
        was = before.strategies.get(name, StrategyConfigured(weight=Decimal(1)))
        given = asked.get(name, StrategyConfigured(enabled=False))
        weight = was.weight if given.weight is None else given.weight
        found[name] = StrategyConfigured(given.enabled, {**was.parameters, **given.parameters}, weight)
    return found


def differences(before: Configuration, after: Configuration, at: Time, who: str) -> list[Configured]:
    """Return the changes from one to the other, which count from T = `at` on."""
    found = []
    for name in sorted(after.traded - before.traded):
        found.append(Configured(0, "symbol", name, _TRADED, at, who))
    for name in sorted(before.traded - after.traded):
        found.append(Configured(0, "symbol", name, _LEAVING, at, who))
    for name, strategy in sorted(after.strategies.items()):
        if before.strategies.get(name) != strategy:
            value = msgspec.json.encode(strategy, order="deterministic").decode()
            found.append(Configured(0, "strategy", name, value, at, who))
    return found


def together(now: Configuration, coming: Configuration) -> Configuration:
    """Return what tells candles for both: for whoever has to be there before the others begin."""
    strategies = dict(coming.strategies)
    for name, strategy in now.strategies.items():
        if strategy.enabled and name in strategies:
            strategies[name] = replace(strategies[name], enabled=True)
    return Configuration(now.traded | coming.traded, now.leaving | coming.leaving, strategies)


def applied(settings: Settings, configuration: Configuration, known: Collection[str]) -> Settings:
    """Return the settings with a configuration in place of theirs; strategies that are not `known` are left out."""
    strategies = dict(settings.strategies)
    enabled = []
    for name, given in sorted(configuration.strategies.items()):
        if name not in known:
            continue
        was = strategies.get(name, _AS_IS)
        weight = was.weight if given.weight is None else given.weight
        strategies[name] = replace(was, enabled=given.enabled, parameters=given.parameters, weight=weight)
        if given.enabled:
            enabled.append(name)
    symbols = tuple(sorted(configuration.traded | configuration.leaving))
    return replace(
        settings, run=replace(settings.run, symbols=symbols, strategies=tuple(enabled)), strategies=strategies
    )


def effective_from(now: Time, finest: Time, step: Time, rate: int) -> Time:
    """Return the first T at which a change may count: all have heard of it in time, and the gateway told candles.

    `finest` and `step` are the lengths of a candle and of the time between two decisions; `rate` the exchange's pace.
    """
    earliest = now + max(NOTICE * rate, _NOTICE_CANDLES * finest) + finest // 2
    return earliest - earliest % -step


def switches_at(effective_at: Time, finest: Time) -> Time:
    """Return when a process begins anew for a change: half a candle before its T, when nothing is under way."""
    return effective_at - finest // 2
