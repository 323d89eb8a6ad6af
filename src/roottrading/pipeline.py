"""The map: who consumes and produces what, on which carrier, with which state and which keys.

Runtimes, topics, access lists, docs and the AsyncAPI document are made from it, so that no name is written twice.
"""

from typing import Final, Literal

from msgspec import Struct

from roottrading.messages import channels, commands, events, market, signals
from roottrading.messages.envelope import Message
from roottrading.messages.exchange import AccountChanged, ExchangeEvent, InstrumentChanged
from roottrading.messages.service import (
    AccountAdjusted,
    CandleMissing,
    CandleObserved,
    ControlChanged,
    InstantComplete,
    WeightsSet,
)

SHARDS: Final = 48  # shard = crc32(symbol) % SHARDS, the same for all topics, for ever (consistency-rules 3.1)


class Channel(Struct, frozen=True):
    """A named way for messages: Pub/Sub on Redis forgets what nobody hears, a topic on Kafka does not."""

    name: str
    carrier: Literal["redis", "kafka"]
    per: Literal["symbol/timeframe", "symbol", "account"]
    bodies: tuple[type[Message], ...]


class Bridge(Struct, frozen=True):
    """Every envelope of `origin` goes on into `destination` unchanged (consistency-rules 2.7)."""

    origin: Channel
    destination: Channel


class Role(Struct, frozen=True):
    """A service: what it hears and says, and what else it is given (`inputs`).

    Where processes are many, the last message of T on `timed_by` completes the instant for it (consistency-rules 1.4),
    and what a topic brings is heard on Pub/Sub, too, on the channels `early`: the copy that comes first counts.
    Something on a channel of `forewarned` says that there is work soon, whatever it is: it is not read (ADR 21).
    """

    name: str
    purpose: str
    consumes: tuple[Channel, ...]
    produces: tuple[Channel, ...]
    inputs: tuple[type, ...] = ()
    sharding: Literal["by symbol", "one active"] = "by symbol"
    keys: Literal["none", "read", "trade"] = "none"
    redis_keys: tuple[str, ...] = ()  # the Redis keys that only it writes
    timed_by: tuple[Channel, ...] = ()
    early: tuple[Channel, ...] = ()
    forewarned: tuple[Channel, ...] = ()


MARKET: Final = Channel(channels.MARKET, "redis", "symbol/timeframe", (market.CandleClosed, market.CandleAbsent))
SIGNALS_RAW: Final = Channel(channels.SIGNALS_RAW, "redis", "symbol/timeframe", (signals.SignalBatch,))
SIGNALS_AGGREGATED: Final = Channel(channels.SIGNALS_AGGREGATED, "redis", "symbol", (signals.AggregatedSignal,))
VERDICTS: Final = Channel(channels.VERDICTS, "kafka", "symbol", (signals.AggregatedSignal,))
TRADE_COMMANDS: Final = Channel(
    channels.TRADE_COMMANDS,
    "kafka",
    "symbol",
    (
        commands.OpenTradeCycle,
        commands.CloseTradeCycle,
        commands.MoveStop,
        commands.CancelEntry,
        commands.AdoptTradeCycle,
    ),
)
TRADE_EVENTS: Final = Channel(
    channels.TRADE_EVENTS,
    "kafka",
    "symbol",
    (
        events.TradeProgressed,
        events.OrderChanged,
        events.OrderFilled,
        events.TradeCycleMoved,
        events.CommandRefused,
        events.OrderRejected,
        events.FillUnmatched,
        events.PrefixShared,
        events.ProtectionRestored,
        events.EntryRefused,
        events.AlertRaised,
    ),
)
PORTFOLIO_UPDATES: Final = Channel(channels.PORTFOLIO_UPDATES, "kafka", "account", (events.PortfolioUpdated,))

CHANNELS: Final = (
    MARKET,
    SIGNALS_RAW,
    SIGNALS_AGGREGATED,
    VERDICTS,
    TRADE_COMMANDS,
    TRADE_EVENTS,
    PORTFOLIO_UPDATES,
)

_NAMED: Final = {channel.name: channel for channel in CHANNELS}
BRIDGES: Final = tuple(Bridge(_NAMED[origin], _NAMED[destination]) for origin, destination in channels.BRIDGES.items())

GATEWAY: Final = Role(
    "gateway",
    "turns the market's finest candles into closed candles of every timeframe",
    consumes=(),
    produces=(MARKET,),
    inputs=(CandleObserved, CandleMissing),
    redis_keys=("candles:SYMBOL:TIMEFRAME",),
)
ANALYZER: Final = Role(
    "analyzer",
    "turns candles into opinions of every strategy",
    consumes=(MARKET,),
    produces=(SIGNALS_RAW,),
)
SIGNAL_AGGREGATOR: Final = Role(
    "signal_aggregator",
    "weighs the opinions into one verdict per symbol and close",
    consumes=(SIGNALS_RAW,),
    produces=(SIGNALS_AGGREGATED,),
    inputs=(WeightsSet,),
    forewarned=(MARKET,),
)
DISPATCHER: Final = Role(
    "dispatcher",
    "carries verdicts to Kafka and events back to Redis; it has no thoughts",
    consumes=(SIGNALS_AGGREGATED, TRADE_EVENTS, PORTFOLIO_UPDATES),
    produces=(VERDICTS,),
    sharding="one active",
    redis_keys=("positions:active", "balances:current", "cycles:active", "config:symbols", "config:strategies"),
)
COORDINATOR: Final = Role(
    "coordinator",
    "turns verdicts into trade cycles, within the limits of risk",
    consumes=(VERDICTS, TRADE_EVENTS, PORTFOLIO_UPDATES),
    produces=(TRADE_COMMANDS, TRADE_EVENTS),
    inputs=(InstantComplete, ControlChanged, AccountAdjusted, InstrumentChanged),
    sharding="one active",
    timed_by=(VERDICTS,),
    early=(SIGNALS_AGGREGATED,),
    forewarned=(SIGNALS_RAW,),
)
TRADER: Final = Role(
    "trader",
    "turns commands into orders, and guards every position with its stop",
    consumes=(TRADE_COMMANDS,),
    produces=(TRADE_EVENTS,),
    inputs=(ExchangeEvent, ControlChanged),
    keys="trade",
    early=(TRADE_COMMANDS,),
    forewarned=(SIGNALS_AGGREGATED,),
)
PORTFOLIO: Final = Role(
    "portfolio",
    "keeps the books: balances, positions, profit",
    consumes=(TRADE_EVENTS,),
    produces=(PORTFOLIO_UPDATES,),
    inputs=(InstantComplete, AccountAdjusted, AccountChanged, InstrumentChanged),
    sharding="one active",
    keys="read",
    timed_by=(VERDICTS,),
)

ROLES: Final = (GATEWAY, ANALYZER, SIGNAL_AGGREGATOR, DISPATCHER, COORDINATOR, TRADER, PORTFOLIO)
