"""Commands to open cycles: leave, cancel a resting entry; each is asked for once, but what has to wait."""

from decimal import Decimal

from msgspec.structs import replace

from roottrading.domain.instrument import Instrument
from roottrading.domain.time import Time
from roottrading.messages.commands import CancelEntry, CloseTradeCycle
from roottrading.messages.events import TOO_SMALL_TO_SELL, CommandRefused
from roottrading.messages.exchange import InstrumentChanged
from roottrading.services.coordinator.draft import Draft
from roottrading.services.coordinator.ledger import market_status
from roottrading.services.coordinator.records import find
from roottrading.services.coordinator.state import OpenCycle


def may_leave(cycle: OpenCycle) -> bool:
    """Say whether an exit can still be asked for; the trader has the others in hand, or a person has."""
    return not cycle.asked and cycle.status in {"opening", "open"}


def close(draft: Draft, cycle: OpenCycle, reason: str) -> None:
    """Ask the trader to sell the cycle at market, whatever the limits and the kill switch say."""
    draft.command(cycle.symbol, CloseTradeCycle(cycle.id, cycle.symbol, reason))
    draft.put_cycle(replace(cycle, asked=reason))
    draft.watched.add(cycle.symbol)


def cancel_resting(draft: Draft, reason: str, symbol: str = "") -> None:
    """Cancel the entries that still rest, of one symbol or of all; what they have bought stays (trading-rules 7.4)."""
    for name in sorted(draft.state.cycles):
        cycle = draft.state.cycles[name]
        if cycle.resting and cycle.reserved and not cycle.entry_ended and symbol in {"", name}:
            draft.command(name, CancelEntry(cycle.id, name, reason))


def on_too_small(draft: Draft, refused: CommandRefused) -> None:
    """Note that an exit waits: the filters take no sale of so little, and the trader does not know the market's price.

    What the trader began by itself (a time limit) is asked for here, too, when it is possible.
    """
    cycle = find(draft.state, refused.symbol, refused.cycle_id)
    if cycle is not None and refused.reason == TOO_SMALL_TO_SELL:
        draft.put_cycle(replace(cycle, waits=True, asked=cycle.asked or refused.reason))
        draft.watched.add(cycle.symbol)


def close_where_possible(draft: Draft, cycle: OpenCycle, instrument: Instrument, price: Decimal) -> None:
    """Ask again for an exit that waits, at the first close at which the filters take it."""
    if instrument.sellable(cycle.held, price):
        command = CloseTradeCycle(cycle.id, cycle.symbol, cycle.asked, ("opening", "open", "closing"), price)
        draft.command(cycle.symbol, command)
        draft.put_cycle(replace(cycle, waits=False))
        draft.watched.add(cycle.symbol)


def on_instrument(draft: Draft, instruments: dict[str, Instrument], changed: InstrumentChanged, at: Time) -> None:
    """Go by the market's filters and status as the exchange has them now (trading-rules 7.3)."""
    known, told = instruments.get(changed.symbol), changed.instrument
    if known is None:
        return
    if told is not None and (told := replace(told, status=known.status)) != known:
        instruments[told.symbol] = told
        draft.put_instrument(told)
        draft.watched.add(told.symbol)
    _on_status(draft, instruments[changed.symbol], changed, at)


def _on_status(draft: Draft, instrument: Instrument, changed: InstrumentChanged, at: Time) -> None:
    """Note that a market stopped or went on; leave before a delisting (trading-rules 7.3).

    What an exchange says with every connection is news only where it differs from what was known or listed.
    """
    symbol, status = changed.symbol, changed.status
    if status == market_status(draft.state, instrument):
        return
    known = draft.state.symbol(symbol)
    cycle = draft.state.cycles.get(symbol)
    reopened = status == "TRADING" and cycle is not None
    draft.put_symbol(replace(known, status=status, reopened=reopened))
    draft.alert("warning", "market_status", f"the market {symbol} is now {status}", at, symbol)
    if status != "TRADING":
        cancel_resting(draft, f"market: {status}", symbol)
    if status == "DELISTING" and cycle is not None and may_leave(cycle):
        close(draft, cycle, "delisting")
