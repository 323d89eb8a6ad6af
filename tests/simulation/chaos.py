"""How often what goes wrong."""

from typing import Final

from msgspec import Struct


class Chaos(Struct, frozen=True):
    """Shares of scheduling steps, messages and requests that meet an accident."""

    crash: float = 0.01
    heir: float = 0.004
    freeze: float = 0.3  # of the zombies that an heir leaves behind
    lose: float = 0.05
    duplicate: float = 0.05
    redeliver: float = 0.05
    timeouts: float = 0.02
    spared: frozenset[str] = frozenset()  # roles that neither die nor are replaced


WILD: Final = Chaos()
ROUGH: Final = Chaos(crash=0.02, heir=0.008, lose=0.1, duplicate=0.1, redeliver=0.1, timeouts=0.05)
CALM: Final = Chaos(0, 0, 0, 0, 0, 0, 0)
