"""The composition root: settings, strategies and a market become seven services, an exchange and their wiring."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Final, Protocol

from msgspec import Struct

from roottrading.adapters.exchange.simulated import SimulatedExchange
from roottrading.adapters.exchange.simulated.commission import BNB
from roottrading.adapters.exchange.simulated.state import TABLES as EXCHANGE_TABLES
from roottrading.adapters.tape.errors import TapeError
from roottrading.config.settings import Settings
from roottrading.domain.instrument import Instrument
from roottrading.domain.money import ZERO
from roottrading.domain.time import duration
from roottrading.messages.service import Service, Table
from roottrading.runtimes.market import Market
from roottrading.runtimes.recording import TABLES as RECORDING_TABLES
from roottrading.runtimes.settle import InProcessExchange, Wiring, wire
from roottrading.runtimes.step import Unit
from roottrading.services.analyzer import TABLES as ANALYZER_TABLES
from roottrading.services.analyzer import Analyzer, Opinions, Plan, StrategyUse
from roottrading.services.coordinator.state import TABLES as COORDINATOR_TABLES
from roottrading.services.coordinator.verdicts_to_commands import Coordinator
from roottrading.services.gateway import TABLES as GATEWAY_TABLES
from roottrading.services.gateway import Gateway
from roottrading.services.portfolio.fills_to_balances import Portfolio
from roottrading.services.portfolio.state import TABLES as PORTFOLIO_TABLES
from roottrading.services.signal_aggregator import TABLES as AGGREGATOR_TABLES
from roottrading.services.signal_aggregator import SignalAggregator, VotingStrategy
from roottrading.services.trader import TABLES as TRADER_TABLES
from roottrading.services.trader import Trader

TABLES: Final[Mapping[str, tuple[Table, ...]]] = {
    "gateway": GATEWAY_TABLES,
    "analyzer": ANALYZER_TABLES,
    "signal_aggregator": AGGREGATOR_TABLES,
    "coordinator": COORDINATOR_TABLES,
    "trader": TRADER_TABLES,
    "portfolio": PORTFOLIO_TABLES,
    "exchange": EXCHANGE_TABLES,
    "recording": RECORDING_TABLES,
}
ALL_TABLES: Final = tuple({table.name: table for tables in TABLES.values() for table in tables}.values())


class Traded(Protocol):
    """What is traded: a recorded market, or one at the other end of a wire."""

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols that are traded."""

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        """Their filters, by symbol."""

    @property
    def finest(self) -> str:
        """The timeframe of the candles that everything is made of."""


class Cast(Struct, frozen=True):
    """The strategies of a run, put to use: the analyzer's plan, and who votes with what weight."""

    plan: Plan
    uses: tuple[StrategyUse, ...]
    voting: tuple[VotingStrategy, ...]
    fastest: str

    @property
    def decision_step(self) -> int:
        """The fastest timeframe in use, in microseconds: verdicts and InstantComplete come at its closes."""
        return duration(self.fastest)


def cast(settings: Settings, uses: Sequence[StrategyUse], market: Traded) -> Cast:
    """Put strategies to use on the market's symbols."""
    plan = Plan(settings.account.deployment, uses, market.symbols, market.finest)
    weights = {name: given.weight for name, given in settings.strategies.items()}
    voting = tuple(
        VotingStrategy(use.name, use.timeframe, use.strategy.family, weights.get(use.name, Decimal(1)), use.symbols)
        for use in uses
    )
    fastest = min((use.timeframe for use in uses), key=duration)
    return Cast(plan, tuple(uses), voting, fastest)


def builders(settings: Settings, cast: Cast, market: Traded) -> dict[str, Callable[[Opinions], Service]]:
    """Return how to make each service afresh, by role; `Opinions` is the analyzer's way to opinions."""
    deployment = settings.account.deployment
    instruments = {symbol: market.instruments[symbol] for symbol in market.symbols}
    heard = sorted({symbol for symbol, _ in cast.plan.streams})
    timeframes = sorted({timeframe for _, timeframe in cast.plan.streams})
    managers = {use.name: use.strategy for use in cast.uses if use.strategy.manages}
    return {
        "gateway": lambda _: Gateway(heard, market.finest, timeframes),
        "analyzer": lambda opinions: Analyzer(cast.plan, opinions),
        "signal_aggregator": lambda _: SignalAggregator(deployment, settings.aggregator, cast.voting, cast.fastest),
        "coordinator": lambda _: Coordinator(deployment, instruments, settings.fees, settings.coordinator, managers),
        "trader": lambda _: Trader(deployment, instruments, settings.fees, settings.trader),
        "portfolio": lambda _: Portfolio(
            deployment, settings.account.quote_asset, settings.account.capital, instruments
        ),
    }


def fee_symbol(settings: Settings) -> str | None:
    """Return the symbol whose price turns fees into BNB, None where they are not paid in it."""
    quote_asset = settings.account.quote_asset
    return BNB + quote_asset if settings.fees.in_bnb and quote_asset != BNB else None


def listed_symbols(settings: Settings, market: Market) -> tuple[str, ...]:
    """Return what the simulated exchange lists: what is traded, and what prices the fees.

    Raises TapeError where fees are paid in BNB and nothing says what it costs.
    """
    priced_by = fee_symbol(settings)
    if priced_by is None:
        return market.symbols
    lacks = "candles" if priced_by not in market.tape else "instrument" if priced_by not in market.instruments else ""
    if lacks:
        raise TapeError(
            f"fees are paid in BNB (fees.in_bnb), but there are no {lacks} of {priced_by}: add them with --tape and "
            "--instruments, or set fees.in_bnb=false"
        )
    return tuple(sorted({*market.symbols, priced_by}))


def unlisted_symbols(settings: Settings, market: Market) -> frozenset[str]:
    """Return the tape's symbols that strategies look at and nobody trades."""
    return frozenset(market.tape).difference(listed_symbols(settings, market))


def simulated_exchange(settings: Settings, market: Market, *, keeps_rows: bool = True) -> SimulatedExchange:
    """Open an exchange that holds the capital and trades the market's symbols; `keeps_rows` where they are kept."""
    instruments = {symbol: market.instruments[symbol] for symbol in listed_symbols(settings, market)}
    return open_exchange(settings, instruments, keeps_rows=keeps_rows)


def open_exchange(
    settings: Settings, instruments: Mapping[str, Instrument], *, keeps_rows: bool = True
) -> SimulatedExchange:
    """Open an exchange that holds the capital and lists these instruments.

    Where fees are paid in BNB it holds foreign BNB as well, so that they are never taken from the bot's own.
    """
    balances = {settings.account.quote_asset: settings.account.capital}
    if settings.fees.in_bnb:
        balances[BNB] = balances.get(BNB, ZERO) + settings.exchange.bnb
    return SimulatedExchange(instruments, settings.fees, settings.exchange, balances, keeps_rows=keeps_rows)


def assemble(
    build: Mapping[str, Callable[[Opinions], Service]], opinions: Opinions, exchange: InProcessExchange
) -> Wiring:
    """Make the services and wire them."""
    return wire({role: Unit(role, 0, make(opinions)) for role, make in build.items()}, exchange)
