"""All settings of a run in one typed struct; the sections of `roottrading.toml` are its fields.

Services define their own; what two of them must know alike is set in one place and copied (`DERIVED`).
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct, field

from roottrading.adapters.exchange.binance.streams.settings import StreamSettings
from roottrading.adapters.exchange.simulated.settings import FillModel
from roottrading.adapters.store.postgres.settings import PostgresSettings
from roottrading.config.fields import Moment
from roottrading.config.sources import Key
from roottrading.domain.bounds import Bounds
from roottrading.domain.fees import FeeSchedule
from roottrading.services.coordinator.settings import CoordinatorSettings
from roottrading.services.signal_aggregator.settings import AggregatorSettings, LearningSettings
from roottrading.services.trader.settings import TraderSettings

Timeframe = Literal["1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d"]
Name = Annotated[str, Meta(pattern=r"[A-Za-z0-9_.-]+", description="a name of letters, digits and underscores")]
_HTTP: Final = r"https?://[^\s/]+/?"
_WEBSOCKET: Final = r"wss?://[^\s/]+(/\S*)?"
Address = Annotated[str, Meta(pattern=_HTTP, description="an address such as http://127.0.0.1:8080")]

STRATEGY_FOLDER: Final = "strategies"
SIMULATED: Final = "sim"  # the deployment of simulated money (trading-rules 7.2)


class RunSettings(Struct, frozen=True):
    """What is traded, over which span, how fast, and where things are read and written."""

    tape: Annotated[
        tuple[str, ...], Bounds(description="files or folders with candles; none: the tape inside the package")
    ] = ()
    instruments: Annotated[
        tuple[str, ...], Bounds(description="exchangeInfo files (JSON, may be gzipped); none: those inside the package")
    ] = ()
    symbols: Annotated[tuple[Name, ...], Bounds(description="symbols to trade; none: all of the tape")] = ()
    timeframe: Annotated[Timeframe, Bounds(description="timeframe of every strategy that names none of its own")] = "5m"
    strategies: Annotated[
        tuple[Name, ...], Bounds(description='names of the strategies to use, or "all" that are enabled')
    ] = ("all",)
    strategy_folder: Annotated[
        str | None, Bounds(description="folder with strategies of your own, one file each (the default may be absent)")
    ] = STRATEGY_FOLDER
    start: Annotated[
        int | None,
        Moment("trading begins here, candles before it only warm strategies up (off: with the tape)"),
    ] = None
    end: Annotated[int | None, Moment("trading ends here (off: with the tape)")] = None
    speed: Annotated[
        str,
        Meta(pattern=r"max|(?=.*[1-9])\d+(\.\d+)?x", description='"max", or how often faster than time: "1x", "60x"'),
    ] = "max"
    state: Annotated[str | None, Bounds(description="folder that keeps the state of a run, so that it can go on")] = (
        None
    )
    exchange: Annotated[
        str | None,
        Meta(
            pattern=rf"binance|{_HTTP}",
            description='"binance" or the address of an exchange server: where orders go',
        ),
    ] = None
    market: Annotated[
        str | None,
        Meta(
            pattern=rf"binance|{_HTTP}",
            description='"binance" or an exchange server\'s address: the live market for simulated money',
        ),
    ] = None
    admin: Annotated[Address | None, Bounds(description="admin door of that server, where its clock is stepped")] = None
    output: Annotated[str | None, Bounds(description="folder for report.json and the CSV files")] = None
    report: Annotated[
        Literal["text", "html"], Bounds(description="html: also a page with charts in the output folder")
    ] = "text"
    equity: Annotated[
        Literal["fills", "every-candle"], Bounds(description="every-candle: equity of every candle as Parquet, too")
    ] = "fills"
    log: Annotated[str | None, Bounds(description="file for the log, one JSON object a line")] = None
    ledger: Annotated[
        bool, Bounds(description="keep in the cache folder which settings were tried on which candles, for the report")
    ] = True


class AccountSettings(Struct, frozen=True):
    """Whose money: the bot owns `capital` of one asset and what its own fills bought (trading-rules 7.1)."""

    capital: Annotated[Decimal, Bounds(gt=0, le=10**12, description="what the bot begins with, in the quote asset")] = (
        Decimal(10_000)
    )
    quote_asset: Annotated[
        str, Meta(pattern=r"[A-Z0-9]{2,12}", description="the asset that everything is paid in, such as USDT")
    ] = "USDT"
    deployment: Annotated[
        str,
        Meta(pattern=r"[a-z0-9]{1,8}", description="1 to 8 small letters or digits that begin every order's id"),
    ] = SIMULATED


class BinanceSettings(Struct, frozen=True):
    """Where Binance is, and how its streams are listened to.

    What needs no key (`run --market binance`, `exchange --mirror binance`) goes to the public doors.
    """

    rest: Annotated[
        str, Meta(pattern=_HTTP, description="address of REST for orders and account, such as https://HOST")
    ] = "https://api.binance.com"
    socket: Annotated[
        str, Meta(pattern=_WEBSOCKET, description="address of the WebSocket API, such as wss://HOST/ws-api/v3")
    ] = "wss://ws-api.binance.com:443/ws-api/v3"
    stream: Annotated[
        str, Meta(pattern=_WEBSOCKET, description="address of the market's streams, such as wss://HOST:PORT")
    ] = "wss://stream.binance.com:9443"
    public_rest: Annotated[
        str, Meta(pattern=_HTTP, description="address of REST for the market alone, such as https://HOST")
    ] = "https://data-api.binance.vision"
    public_stream: Annotated[
        str, Meta(pattern=_WEBSOCKET, description="address of the streams for the market alone, such as wss://HOST")
    ] = "wss://data-stream.binance.vision"
    archive: Annotated[
        str, Meta(pattern=_HTTP, description="address of the archive of past candles, such as https://HOST")
    ] = "https://data.binance.vision"
    streams: StreamSettings = StreamSettings()


class StrategySettings(Struct, frozen=True):
    """How one strategy is used."""

    enabled: Annotated[bool, Bounds(description="whether it has a vote")] = True
    timeframe: Annotated[Timeframe | None, Bounds(description="its candles (off: those of run.timeframe)")] = None
    weight: Annotated[Decimal, Bounds(ge=0, le=100, description="times the weight it has by its record")] = Decimal(1)
    parameters: Annotated[
        Mapping[str, Any], Bounds(description="its own parameters; `roottrading strategies show NAME` lists them")
    ] = {}


class Settings(Struct, frozen=True):
    """Everything that can be set."""

    run: RunSettings = field(default_factory=RunSettings)
    account: AccountSettings = field(default_factory=AccountSettings)
    fees: FeeSchedule = field(default_factory=FeeSchedule)
    exchange: FillModel = field(default_factory=FillModel)
    binance: BinanceSettings = field(default_factory=BinanceSettings)
    postgres: PostgresSettings = field(default_factory=PostgresSettings)
    strategies: Annotated[Mapping[Name, StrategySettings], Bounds(description="by the strategy's name")] = {}
    aggregator: AggregatorSettings = field(default_factory=AggregatorSettings)
    learning: LearningSettings = field(default_factory=LearningSettings)
    coordinator: CoordinatorSettings = field(default_factory=CoordinatorSettings)
    trader: TraderSettings = field(default_factory=TraderSettings)


# What is copied, and from where: these keys cannot be set on their own.
DERIVED: Final[Mapping[Key, Key]] = {
    ("coordinator", "capital"): ("account", "capital"),
    ("coordinator", "threshold"): ("aggregator", "threshold"),
    ("coordinator", "taker_slippage"): ("exchange", "slippage"),
    ("binance", "streams", "url"): ("binance", "stream"),
    ("exchange", "receive_window_ms"): ("trader", "receive_window_ms"),
}
