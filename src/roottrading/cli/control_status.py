"""What `roottrading control status` says of a state folder."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from roottrading.adapters.store.inspection import Inspection, inspect_folder
from roottrading.domain.money import plain
from roottrading.domain.time import SECOND, iso
from roottrading.messages.service import Table
from roottrading.runtimes.controlling import REFUSED
from roottrading.runtimes.recording import ALERTS
from roottrading.services.coordinator import state as coordinator

_REFUSALS: Final = 3  # the last requests for capital and coins that were refused

if TYPE_CHECKING:
    from roottrading.cli.service_database import ServiceDatabase


def open_cycles(place: "Path | ServiceDatabase") -> tuple[str, ...]:
    """Return the ids of the cycles that are open there. Raises StoreError where there is no state."""
    (table,) = (table for table in coordinator.TABLES if table.name == coordinator.OPEN_CYCLES)
    seen = inspect_folder(place, (table,)) if isinstance(place, Path) else place.inspect((table,))
    return tuple(cycle.id for cycle in seen.records[table.name])


def describe(place: "Path | ServiceDatabase") -> Iterator[str]:
    """Yield the lines: amounts in the quote asset, times in UTC. Raises StoreError where there is no state."""
    tables = {table.name: table for table in coordinator.TABLES}
    names = (coordinator.ACCOUNT, coordinator.SYMBOLS, coordinator.OPEN_CYCLES)
    wanted: tuple[Table, ...] = (*(tables[name] for name in names), ALERTS)
    if isinstance(place, Path):
        seen = inspect_folder(place, wanted)
        yield f"state     {place}"
        yield f"process   {_process(seen)}"
        yield f"reached   {'nothing yet' if seen.position is None else iso(seen.position[0])}"
    else:
        looked = place.look(wanted)
        seen = looked.seen
        yield f"database  {looked.where}" + (f", {looked.behind:.1f} s behind" if looked.behind else "")
    accounts = seen.records[coordinator.ACCOUNT]
    if accounts:
        account: coordinator.Account = accounts[0]
        yield f"trading   {_trading(account, seen)}"
        yield f"cash      {plain(account.cash)} of {plain(account.capital)} capital"
    cycles: tuple[coordinator.OpenCycle, ...] = seen.records[coordinator.OPEN_CYCLES]
    yield f"cycles    {len(cycles)} open"
    for cycle in sorted(cycles, key=lambda cycle: cycle.symbol):
        yield (
            f"  {cycle.symbol} {cycle.status} since {iso(cycle.at)} by {cycle.strategy}: holds {plain(cycle.held)}, "
            f"paid {plain(cycle.paid)}, stop {plain(cycle.stop_price)}, id {cycle.id}"
        )
    if seen.waiting:
        yield f"waiting   {len(seen.waiting)} commands not taken yet"
    refused = [alert for alert in seen.records[ALERTS.name] if alert.subject == REFUSED]
    for alert in refused[-_REFUSALS:]:
        yield f"refused   at {iso(alert.at)}: {alert.text}"


def _process(seen: Inspection) -> str:
    if seen.owner is None or not seen.running:
        return "none runs"
    silent = max(0, time.time_ns() // 1000 - seen.owner.beat_at) // SECOND
    return f"{seen.owner.pid} on {seen.owner.host}, heard of {silent} s ago"


def _trading(account: coordinator.Account, seen: Inspection) -> str:
    reasons = [
        name
        for name, holds in (
            ("paused", account.paused),
            ("daily loss reached", account.daily_breach),
            ("drawdown reached: needs resume", account.drawdown_breach),
            ("books differ from the account", account.discrepancy),
        )
        if holds
    ]
    reasons.extend(map(_curbed, account.curbs))
    paused = sorted(symbol.symbol for symbol in seen.records[coordinator.SYMBOLS] if symbol.paused)
    if paused:
        reasons.append(f"paused symbols {', '.join(paused)}")
    return account.state.replace("_", " ") + (f" ({'; '.join(reasons)})" if reasons else "")


def _curbed(curb: coordinator.Curb) -> str:
    until = f"until {iso(curb.until)}" if curb.until else "needs resume"
    return f"abnormal, {curb.reason.replace('_', ' ')}: {until}"
