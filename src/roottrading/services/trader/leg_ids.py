"""Client order ids of a cycle's legs: which leg an id names, and which other leg shares its list."""

from typing import Final, Literal

from roottrading.services.trader.state import CycleExecution

Leg = Literal["e", "s", "t", "x", "l", "c", "q"]
ENTRY_LEG: Final = "e"
STOP_LEG: Final = "s"
TARGET_LEG: Final = "t"
EXIT_LEG: Final = "x"


def leg_id(execution: CycleExecution, leg: Leg, attempt: int) -> str:
    """Return the client order id of a leg's attempt; the first attempts' are those of the plan."""
    return f"{execution.prefix}{leg}{attempt}"


def leg_of(execution: CycleExecution, client_order_id: str) -> str:
    """Return the letter of the leg that an id of this cycle names; empty for an id that is not this cycle's."""
    if client_order_id.startswith(execution.prefix):
        return client_order_id[len(execution.prefix)]
    return ""


def sibling_of(execution: CycleExecution, client_order_id: str) -> str:
    """Return the id that the other leg of a stop's or target's list would have."""
    at = len(execution.prefix)
    other = TARGET_LEG if client_order_id[at] == STOP_LEG else STOP_LEG
    return f"{execution.prefix}{other}{client_order_id[at + 1 :]}"
