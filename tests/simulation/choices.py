"""What dice choose for a seed: strategies in use, settings of risk and entry, fees in BNB, tight limits."""

from decimal import Decimal
from random import Random

from msgspec.structs import replace

from roottrading.config.settings import Settings
from roottrading.services.analyzer import StrategyUse
from roottrading.services.coordinator.settings import NO_BOUNDS, AbnormalSettings, TrailingSettings
from tests.simulation.restless import Restless


def chosen_uses(dice: Random) -> tuple[StrategyUse, ...]:
    """Return the strategies: one on 1m, now and then another one on 3m."""
    quick = StrategyUse("quick", Restless(slow=2, variety=dice.choice((0, 1))), "1m")
    if dice.random() < 0.6:
        return (quick,)
    return (quick, StrategyUse("slow", Restless(slow=4, variety=dice.choice((0, 1))), "3m"))


def chosen_settings(dice: Random) -> Settings:
    """Return settings under which cycles are many, and limits few."""
    base = Settings()
    return replace(
        base,
        aggregator=replace(base.aggregator, threshold=Decimal("0.4")),
        coordinator=replace(
            base.coordinator,
            threshold=Decimal("0.4"),
            stake=Decimal(500) if dice.random() < 0.8 else None,
            volume_share=None,
            cooldown_candles=1,
            stops_in_a_row=None,
            abnormal=NO_BOUNDS,
            max_drawdown=None,
            daily_loss=Decimal("0.004") if dice.random() < 0.15 else None,
            stop_atr=Decimal("0.8"),
            trailing=TrailingSettings(Decimal("0.3"), Decimal(1)) if dice.random() < 0.3 else None,
            entry_style="resting" if dice.random() < 0.3 else "taker",
            entry_timeout=2,
        ),
    )


def paying_in_bnb(dice: Random, settings: Settings, alone: bool) -> Settings:
    """Return the settings with fees in BNB, of which there is plenty, or soon none left.

    The last of it is left to a symbol that is `alone`: which of two gets it at one instant hangs on the round in which
    their requests come, and whoever has just been loaded asks one round later.
    """
    bnb = dice.choice((Decimal(1_000), Decimal("0.02"), Decimal("0.004"))) if alone else Decimal(1_000)
    return replace(settings, fees=replace(settings.fees, in_bnb=True), exchange=replace(settings.exchange, bnb=bnb))


def with_limits(dice: Random, settings: Settings) -> Settings:
    """Return the settings with limits so tight that they are met within minutes."""
    abnormal = AbnormalSettings(
        orders_per_minute=dice.choice((None, 4)),
        reject_share=dice.choice((None, Decimal("0.05"))),
        reject_least=2,
        slippage=dice.choice((None, Decimal("0.0001"))),
        losses_in_a_row=dice.choice((None, 2, 3)),
    )
    limited = replace(
        settings.coordinator,
        abnormal=abnormal,
        stops_in_a_row=dice.choice((None, 2)),
        max_drawdown=dice.choice((None, Decimal("0.001"))),
        volume_share=dice.choice((None, Decimal("0.02"))),
        max_cycles=dice.choice((1, 2, 5)),
    )
    return replace(settings, coordinator=limited)
