"""What a run leaves: plain records, from which every file and figure is made."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Protocol

from msgspec import Struct

from roottrading.domain.columns import Candles
from roottrading.domain.fees import FeeSchedule
from roottrading.domain.fill import Fill
from roottrading.domain.instrument import Instrument
from roottrading.domain.money import ZERO
from roottrading.domain.order import Order
from roottrading.domain.time import Time
from roottrading.domain.trade_cycle import Dust, TradeCycle
from roottrading.messages.events import ProtectionRestored
from roottrading.messages.service import AccountAdjusted


class SignalRecord(Protocol):
    """A changed opinion, as a row."""

    @property
    def id(self) -> int:
        """Its computed id."""

    @property
    def symbol(self) -> str:
        """The pair."""

    @property
    def timeframe(self) -> str:
        """The timeframe it was made on."""

    @property
    def strategy(self) -> str:
        """Whose opinion it is."""

    @property
    def signal_type(self) -> str:
        """BUY, SELL or NEUTRAL."""

    @property
    def strength(self) -> Decimal:
        """How strong, in [0, 1]."""

    @property
    def price(self) -> Decimal:
        """The close of T, in quote."""

    @property
    def timestamp(self) -> Time:
        """T, the candle's close instant."""


class VerdictRecord(Protocol):
    """A verdict at or above the threshold, as a row."""

    @property
    def id(self) -> str:
        """Its computed id."""

    @property
    def symbol(self) -> str:
        """The pair."""

    @property
    def timeframe(self) -> str:
        """The timeframe it was made on."""

    @property
    def signal_type(self) -> str:
        """BUY, SELL or NEUTRAL."""

    @property
    def strength(self) -> Decimal:
        """How strong, in [0, 1]."""

    @property
    def timestamp(self) -> Time:
        """T, the candle's close instant."""


class RefusalRecord(Protocol):
    """A verdict that could have begun a cycle and did not, as a row (trading-rules 2.9)."""

    @property
    def verdict_id(self) -> str:
        """The verdict's id."""

    @property
    def symbol(self) -> str:
        """The pair."""

    @property
    def reason(self) -> str:
        """The rule that refused it, in a word."""

    @property
    def numbers(self) -> Mapping[str, str]:
        """What the rule compared."""

    @property
    def at(self) -> Time:
        """The instant."""


class CheckLine(Struct, frozen=True):
    """The outcome of a strategy's checks on one symbol (trading-rules 4.4); `finding` says what was found."""

    strategy: str
    symbol: str
    candles: int
    passed: bool
    finding: str = ""


class RunResult(Struct, frozen=True, kw_only=True):
    """All that a run leaves. `candles` are the finest of each symbol over the span (earlier ones do no harm).

    `started_at` and `ended_at` bound the span: the first instant at which it could trade and its last T. `capital` is
    what it began with, in `quote_asset`. `settings` is what a reader needs to repeat it (JSON values). `slippage` and
    `fees` are fractions. `missing_candles` counts by symbol; `listings` tells of symbols listed or delisted inside the
    span. `parameter_sets` were tried on this tape, this one among them; `tried_sharpes` are the annual Sharpe ratios of
    the others, where they are known. `notes` are sentences for the reader: what was skipped, what was broken.
    """

    capital: Decimal
    quote_asset: str
    started_at: Time
    ended_at: Time
    tape: str
    instruments: Mapping[str, Instrument]
    candles: Mapping[str, Candles]
    fees: FeeSchedule = FeeSchedule()
    slippage: Decimal = ZERO
    fill_model: str = ""
    settings: Mapping[str, object] = {}
    signals: Sequence[SignalRecord] = ()
    verdicts: Sequence[VerdictRecord] = ()
    cycles: Sequence[TradeCycle] = ()
    orders: Sequence[Order] = ()
    fills: Sequence[Fill] = ()
    adjustments: Sequence[AccountAdjusted] = ()
    refusals: Sequence[RefusalRecord] = ()
    spans: Sequence[ProtectionRestored] = ()
    dust: Mapping[str, Dust] = {}
    missing_candles: Mapping[str, int] = {}
    listings: Mapping[str, str] = {}
    checks: Sequence[CheckLine] = ()
    parameter_sets: int = 1
    tried_sharpes: tuple[float, ...] = ()
    notes: Sequence[str] = ()
