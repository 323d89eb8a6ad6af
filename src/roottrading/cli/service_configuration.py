"""What a service's next incarnation is made of: the settings, with the changes that were recorded since."""

import asyncio
from collections.abc import Callable
from typing import Final

from roottrading.adapters.exchange.binance.settings import Places
from roottrading.adapters.exchange.binance.streams.binance_market import BinanceMarket, MarketEndpoints
from roottrading.adapters.exchange.link import LinkError
from roottrading.adapters.store.postgres.configuration import configured_at
from roottrading.cli.errors import CommandError
from roottrading.cli.preparing import known_strategies
from roottrading.config.settings import Settings
from roottrading.domain.time import Time, duration
from roottrading.runtimes.assembly import Cast
from roottrading.runtimes.distributed.configuring.adopting import Refused
from roottrading.runtimes.distributed.configuring.changing import Changing
from roottrading.runtimes.distributed.configuring.configuration import Configuration, applied, wished
from roottrading.runtimes.distributed.configuring.reconfiguring import Basis
from roottrading.runtimes.linked.clocks import link_settings
from roottrading.strategies import catalog
from roottrading.strategies.parameters import StrategyError

_TRADING: Final = "TRADING"
_EARLY: Final = "gateway"
_MOST_WEIGHT: Final = 100
_PATIENCE: Final = 20.0  # seconds for the exchange to tell of a symbol


class ServiceConfiguration:
    """A service's settings and cast through all its incarnations; `make` makes a cast of settings."""

    def __init__(self, role: str, settings: Settings, cast: Cast, make: Callable[[Settings], Cast]) -> None:
        self._role = role
        self._settings = settings
        self._cast = cast
        self._make = make
        self._known = known_strategies(settings).strategies
        self._wish = wished(settings, [use.name for use in cast.uses], self._known)

    async def next(
        self, postgres: str, now: Callable[[], Time], places: Places, rate: int
    ) -> tuple[Settings, Cast, Changing]:
        """Return settings and cast that count now, and what tells when they do not any more. Raises StoreError."""
        changes = await configured_at(postgres, self._settings.postgres)
        basis = Basis(changes, self._wish, duration(self._cast.plan.finest), self._role == _EARLY)
        counts = basis.at(now())
        settings, cast = self._settings, self._cast
        if counts.made_of != self._wish.made_of:
            settings = applied(settings, counts, self._known)
            cast = self._make(settings)

        async def judge(before: Configuration, after: Configuration) -> None:
            await self._judge(before, after, cast, places, rate)

        return settings, cast, Changing(basis, now, judge, cast.decision_step, rate)

    # ---- inside

    async def _judge(self, before: Configuration, after: Configuration, cast: Cast, places: Places, rate: int) -> None:
        """Raise Refused for what cannot be traded, or not with these strategies."""
        for name, given in after.strategies.items():
            if given == before.strategies.get(name):
                continue
            try:
                catalog.make(name, given.parameters, self._known)
            except StrategyError as error:
                raise Refused(str(error)) from None
            weight = given.weight
            if weight is None or not weight.is_finite() or not 0 <= weight <= _MOST_WEIGHT:
                raise Refused(f"strategy {name}: its weight is {weight}; use a number from 0 to {_MOST_WEIGHT}")
        try:
            asked = self._make(applied(self._settings, after, self._known))
        except (CommandError, StrategyError, ValueError) as error:
            raise Refused(str(error)) from None
        if asked.fastest != cast.fastest:
            raise Refused(
                f"the fastest timeframe would be {asked.fastest} instead of {cast.fastest}: that takes new settings "
                "and a start"
            )
        for symbol in sorted(after.traded - before.traded):
            await self._check_symbol(symbol, places, rate)

    async def _check_symbol(self, symbol: str, places: Places, rate: int) -> None:
        """Raise Refused where a symbol cannot be traded for the account's asset."""
        endpoints = MarketEndpoints(places.rest, places.streams)
        market = BinanceMarket(endpoints, [symbol], lambda said: None, settings=link_settings(False, rate))
        try:
            async with asyncio.timeout(_PATIENCE):
                await market.open()
        except (LinkError, TimeoutError) as error:
            raise Refused(f"{symbol}: {str(error) or 'the exchange does not answer'}") from None
        await market.close()
        instrument, asset = market.instruments[symbol], self._settings.account.quote_asset
        if instrument.quote_asset != asset:
            raise Refused(f"{symbol} is paid in {instrument.quote_asset}, the account's money is {asset}")
        if instrument.status != _TRADING:
            raise Refused(f"{symbol} is not traded on the exchange now: its status is {instrument.status}")
