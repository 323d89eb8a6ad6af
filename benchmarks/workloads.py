"""The workloads: tapes, settings and strategies of each."""

from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from benchmarks import tapes
from roottrading.adapters.exchange.simulated.settings import FillModel
from roottrading.config.settings import AccountSettings, RunSettings, Settings, StrategySettings
from roottrading.domain.time import DAY, MINUTE
from roottrading.services.coordinator.settings import NO_BOUNDS, CoordinatorSettings
from roottrading.services.signal_aggregator import AggregatorSettings

NO_LIMITS: Final[dict[str, Any]] = {"abnormal": NO_BOUNDS} | dict.fromkeys(
    (
        "risk_per_cycle",
        "max_per_symbol",
        "max_exposure",
        "volume_share",
        "max_cycles",
        "max_entries_per_instant",
        "daily_loss",
        "max_drawdown",
        "cooldown_candles",
        "stops_in_a_row",
    )
)
SWEEP: Final = [(fast, slow) for fast in range(5, 25, 2) for slow in range(26, 66, 4)]  # 100 pairs


class Paths(Struct, frozen=True):
    """Where the tapes are; `year` is a recorded year of two symbols, where there is one."""

    single: Path
    many: Path
    second: Path
    instruments: Path
    year: tuple[Path, ...] = ()
    year_instruments: tuple[Path, ...] = ()


def workload(name: str, paths: Paths) -> Settings:
    """Return the settings of workload A, B, C (its first pair) or D; KeyError for another name."""
    return {"A": _one_symbol, "B": _twenty_symbols, "C": _first_pair, "D": _a_year}[name](paths)


def with_pair(settings: Settings, fast: int, slow: int) -> Settings:
    """Return the settings with another pair of averages."""
    return replace(settings, strategies={"ema_rsi_cross": StrategySettings(parameters={"fast": fast, "slow": slow})})


def _settings(paths: Paths, tape: Path, capital: Decimal, limits: dict[str, Any], **run: Any) -> Settings:
    zero = Decimal(0)
    return Settings(
        run=RunSettings(
            tape=(str(tape),),
            instruments=(str(paths.instruments),),
            timeframe="1m",
            strategies=("ema_rsi_cross",),
            strategy_folder=None,
            **run,
        ),
        account=AccountSettings(capital=capital),
        aggregator=AggregatorSettings(weighting="equal"),
        exchange=FillModel(slippage=zero),
        coordinator=CoordinatorSettings(capital=capital, taker_slippage=zero, **NO_LIMITS | limits),
    )


def _one_symbol(paths: Paths) -> Settings:
    return _settings(paths, paths.single, Decimal(1_000_000), {"stake": Decimal(1_000)})


def _twenty_symbols(paths: Paths) -> Settings:
    limits = {"max_per_symbol": Decimal("0.2"), "max_cycles": 5}
    return _settings(paths, paths.many, Decimal(100_000), limits)


def _first_pair(paths: Paths) -> Settings:
    return _settings(
        paths, paths.single, Decimal(1_000_000), {"stake": Decimal(1_000)}, end=tapes.START + 100_000 * MINUTE
    )


def _a_year(paths: Paths) -> Settings:
    if paths.year:
        return Settings(
            run=RunSettings(
                tape=tuple(map(str, paths.year)),
                instruments=tuple(map(str, paths.year_instruments)),
                timeframe="1m",
                strategy_folder=None,
                start=tapes.START,
                end=tapes.START + 365 * DAY,
            )
        )
    run = _one_symbol(paths).run
    tape = (*run.tape, str(paths.second))
    return Settings(run=replace(run, tape=tape, strategies=("all",), end=tapes.START + 365 * DAY))
