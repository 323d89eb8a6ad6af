"""One deployment, one state: orders under its prefix that its ledger does not know are another's (rule 7.2)."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from msgspec import Struct

from roottrading.adapters.exchange.binance.orders_by_prefix import FoundOrder
from roottrading.domain.ids import client_order_id
from roottrading.domain.time import iso
from roottrading.messages.service import Table
from roottrading.services.coordinator.state import TABLES as COORDINATOR_TABLES
from roottrading.services.trader.state import EXECUTIONS, ORDERS
from roottrading.services.trader.state import TABLES as TRADER_TABLES

CYCLES: Final = "trade_cycles"
LEDGER: Final[tuple[Table, ...]] = tuple(
    table for table in (*COORDINATOR_TABLES, *TRADER_TABLES) if table.name in {CYCLES, ORDERS, EXECUTIONS}
)
_SHOWN: Final = 5


class PrefixTaken(Exception):
    """Another deployment of the same name trades on the account, or did."""


class Known(Struct, frozen=True):
    """What a state folder's ledger knows: how the ids of its cycles begin, and the exchange's numbers of its orders."""

    prefixes: frozenset[str] = frozenset()
    numbers: Mapping[str, int] = {}


def known_of(deployment: str, records: Mapping[str, Iterable[Any]]) -> Known:
    """Return what the records of `LEDGER` know, by table."""
    cycles = {cycle.id for cycle in records.get(CYCLES, ())}
    prefixes = {cycle_prefix(deployment, cycle) for cycle in cycles}
    prefixes |= {execution.prefix for execution in records.get(EXECUTIONS, ())}
    numbers = {order.client_order_id: order.binance_order_id for order in records.get(ORDERS, ())}
    return Known(frozenset(prefixes), {name: number for name, number in numbers.items() if number >= 0})


def known_of_sent(deployment: str, sent: Mapping[str, int], cycles: Iterable[str]) -> Known:
    """Return what a ledger of sent ids, with the exchange's numbers (negative: not known), and of cycles knows."""
    prefixes = {name.rpartition("-")[0] + "-" for name in sent}
    prefixes |= {cycle_prefix(deployment, cycle) for cycle in cycles}
    return Known(frozenset(prefixes), {name: number for name, number in sent.items() if number >= 0})


def cycle_prefix(deployment: str, cycle: str) -> str:
    """Return how all client order ids of a cycle begin."""
    return client_order_id(deployment, cycle, "q", 1)[:-2]


def strangers(placed: Iterable[FoundOrder], known: Known) -> list[FoundOrder]:
    """Return the orders that the ledger does not know: of no cycle of it, or under a known id with another number.

    Two deployments of one name and the same settings give their orders the same ids: the numbers tell them apart.
    """
    return [
        order
        for order in placed
        if order.client_order_id.rpartition("-")[0] + "-" not in known.prefixes
        or known.numbers.get(order.client_order_id, order.order_id) != order.order_id
    ]


def refuse(
    found: list[FoundOrder], deployment: str, place: str, kind: str = "state folder", named_by: str = "--state"
) -> None:
    """Raise PrefixTaken naming the orders, where there are any.

    `place` is the ledger's, `kind` what it is called and `named_by` how a person names another.
    """
    if not found:
        return
    shown = ", ".join(f"{each.symbol} {each.client_order_id} ({iso(each.at)})" for each in found[-_SHOWN:])
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    raise PrefixTaken(
        f"orders under the prefix {deployment}- are on the account that the {kind} {place} does not know: "
        f"{shown}{more}. Another deployment called {deployment} trades there, or did. Go on with its {kind} "
        f"({named_by}) where it has ended, or give this one another name (--set account.deployment=NAME) and a {kind} "
        "of its own. Nothing was sent"
    )
