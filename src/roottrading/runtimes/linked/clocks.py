"""The exchange's time as a process keeps it, and how patient a link is where that time stands between moves."""

import time
from collections.abc import Callable
from typing import Final

from roottrading.adapters.exchange.binance.server_clock import ServerClock, StandingClock
from roottrading.adapters.exchange.binance.settings import LinkSettings
from roottrading.domain.time import MINUTE, SECOND, Time

# Under a stepped clock an answer takes as long as others need to rest, and nothing is compared meanwhile.
_STEPPED: Final = LinkSettings(patience=10 * SECOND, reconcile_every=10 * MINUTE)


def clock_of(stepped: bool, rate: int, local: Callable[[], Time] | None = None) -> ServerClock:
    """Return a clock for an exchange whose time stands between moves, or goes `rate` times as fast as ours.

    Ours is `local`, microseconds that only go forward.
    """
    ours = local or _local
    return StandingClock(ours) if stepped else ServerClock(ours, rate)


def link_settings(stepped: bool, rate: int) -> LinkSettings:
    """Return how a link to the account, or what shares its budget, waits and asks under such a clock."""
    return _STEPPED if stepped else LinkSettings(clock_rate=rate)


def _local() -> Time:
    return time.monotonic_ns() // 1_000
