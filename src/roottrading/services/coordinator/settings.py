"""The coordinator's settings: every limit of trading-rules 2 with its default; None switches a limit off."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Final, Literal

from msgspec import Struct

from roottrading.domain.bounds import Bounds


class TrailingSettings(Struct, frozen=True):
    """When a trailing stop begins and how far it stays behind (trading-rules 1.9)."""

    start: Annotated[Decimal, Bounds(ge=0, le=100, description="profit in R at a close from which the stop trails")] = (
        Decimal(1)
    )
    distance: Annotated[
        Decimal, Bounds(gt=0, le=100, description="distance of the stop from the highest close, in ATR at entry")
    ] = Decimal(3)


class AbnormalSettings(Struct, frozen=True):
    """What is abnormal trading: beyond a bound, an alert, and reduce only (trading-rules 8); "off" switches one off."""

    orders_per_minute: Annotated[
        int | None,
        Bounds(ge=1, le=100_000, description="orders that may end in a minute of the clock; beyond: until resumed"),
    ] = 120
    reject_share: Annotated[
        Decimal | None,
        Bounds(gt=0, le=1, description="share of an hour's requests refused from which on nothing is bought in it"),
    ] = Decimal("0.5")
    reject_least: Annotated[
        int, Bounds(ge=1, le=100_000, description="refused requests of an hour before their share counts")
    ] = 10
    slippage: Annotated[
        Decimal | None,
        Bounds(
            gt=0,
            lt=1,
            description="how far a mean price may lie above the plan's worst, or below its stop, as a fraction of it; "
            "beyond: until resumed",
        ),
    ] = Decimal("0.05")
    losses_in_a_row: Annotated[
        int | None,
        Bounds(ge=1, le=10_000, description="cycles lost one after another, over all symbols: until 00:00 UTC"),
    ] = 20
    unmatched_fills: Annotated[
        int | None,
        Bounds(ge=1, le=1_000, description="fills without an order of ours that the books know: until resumed"),
    ] = 1
    unprotected_ms: Annotated[
        int | None,
        Bounds(ge=1, le=86_400_000, description="milliseconds without a resting stop; beyond: until resumed"),
    ] = 13_000


NO_BOUNDS: Final = AbnormalSettings(
    orders_per_minute=None,
    reject_share=None,
    slippage=None,
    losses_in_a_row=None,
    unmatched_fills=None,
    unprotected_ms=None,
)


class CoordinatorSettings(Struct, frozen=True):
    """Sizing and risk limits; shares are fractions of risk equity unless their description says otherwise."""

    capital: Annotated[
        Decimal,
        Bounds(
            gt=0, le=10**12, description="what the bot begins with, in the quote asset; read at the first start only"
        ),
    ] = Decimal(10_000)
    threshold: Annotated[
        Decimal, Bounds(gt=0, le=1, description="a verdict at or above it buys, at or below its negative sells")
    ] = Decimal("0.5")
    risk_per_cycle: Annotated[
        Decimal | None, Bounds(gt=0, le=1, description="share of equity that a cycle loses at its stop")
    ] = Decimal("0.005")
    stake: Annotated[
        Decimal | None,
        Bounds(gt=0, le=10**12, description="fixed stake of a cycle in the quote asset, at the close of T"),
    ] = None
    max_per_symbol: Annotated[Decimal | None, Bounds(gt=0, le=1, description="share of equity in one symbol")] = (
        Decimal("0.2")
    )
    max_exposure: Annotated[Decimal | None, Bounds(gt=0, le=1, description="share of equity in all symbols")] = Decimal(
        "0.8"
    )
    volume_share: Annotated[
        Decimal | None,
        Bounds(gt=0, le=1, description="share of the mean quote volume of the last 20 finest candles a cycle may buy"),
    ] = Decimal("0.05")
    max_cycles: Annotated[int | None, Bounds(ge=1, le=1_000, description="open cycles at a time")] = 5
    max_entries_per_instant: Annotated[int | None, Bounds(ge=1, le=1_000, description="new cycles at one close")] = 2
    daily_loss: Annotated[
        Decimal | None,
        Bounds(gt=0, lt=1, description="loss of a UTC day after which it buys nothing until 00:00 UTC"),
    ] = Decimal("0.03")
    max_drawdown: Annotated[
        Decimal | None, Bounds(gt=0, lt=1, description="fall from the highest equity after which a person must resume")
    ] = Decimal("0.15")
    cooldown_candles: Annotated[
        int | None, Bounds(ge=1, le=10_000, description="candles of the fastest timeframe without entry after a stop")
    ] = 3
    stops_in_a_row: Annotated[
        int | None, Bounds(ge=1, le=1_000, description="stops after which a symbol is off until 00:00 UTC")
    ] = 3
    abnormal: AbnormalSettings = AbnormalSettings()
    worst_price_factor: Annotated[
        Decimal, Bounds(ge=1, le=2, description="highest price paid at entry, as a multiple of the close of T")
    ] = Decimal("1.003")
    taker_slippage: Annotated[
        Decimal, Bounds(ge=0, lt=1, description="slippage of a taker that sizing reckons with, as a fraction of price")
    ] = Decimal("0.0005")
    stop_atr: Annotated[
        Decimal | None,
        Bounds(gt=0, le=100, description="stop distance in ATR where signal and strategy have none"),
    ] = Decimal(2)
    stop_distance: Mapping[
        str, Annotated[Decimal, Bounds(gt=0, lt=1, description="a strategy's stop distance as a fraction of the close")]
    ] = {}
    adopted_stop: Annotated[
        Decimal, Bounds(gt=0, lt=1, description="stop distance of adopted coins, as a fraction of the close")
    ] = Decimal("0.05")
    trailing: TrailingSettings | None = None
    entry_style: Annotated[
        Literal["taker", "resting"], Bounds(description="whether a signal's entry limit rests as an order")
    ] = "taker"
    entry_timeout: Annotated[
        int, Bounds(ge=1, le=10_000, description="candles of the fastest timeframe that a resting entry may wait")
    ] = 3
