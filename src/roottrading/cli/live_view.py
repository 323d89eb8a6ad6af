"""What a person sees of a run: a view that renews itself on a terminal, plain lines elsewhere."""

import time
from decimal import Decimal
from itertools import zip_longest
from typing import Final, Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from roottrading.cli.tally import Event, Standing, Tally
from roottrading.domain.fill import Fill
from roottrading.domain.money import plain
from roottrading.domain.time import DAY, Time, iso
from roottrading.domain.trade_cycle import TradeCycle
from roottrading.messages.events import AlertRaised

REFRESH_SECONDS: Final = 0.25


class View(Protocol):
    """Shows a run as it goes."""

    def event(self, what: Event) -> None:
        """Take a fill or a cycle that closed, which a view may show at once, or an alert, which it must."""

    def wants(self, at: Time) -> bool:
        """Say whether it is time to show how the run stands; asked at every rest, so quick."""

    def show(self, standing: Standing) -> None:
        """Show how the run stands."""

    def close(self) -> None:
        """End the view; the report is printed next."""


class PlainLines:
    """A line for each day of the tape and each alert and, where the run is paced, for each fill and closed cycle."""

    def __init__(self, console: Console, tally: Tally, paced: bool) -> None:
        self._console = console
        self._tally = tally
        self._paced = paced
        self._day = -1

    def event(self, what: Event) -> None:
        """Print it, where there is time to read; an alert in any case."""
        if isinstance(what, AlertRaised):
            self._print(alert_line(what))
        elif self._paced:
            self._print(fill_line(what) if isinstance(what, Fill) else cycle_line(what))

    def wants(self, at: Time) -> bool:
        """Say so once a day of the tape."""
        return at // DAY != self._day

    def show(self, standing: Standing) -> None:
        """Print a line."""
        self._day = standing.at // DAY
        tally = self._tally
        self._print(
            f"{iso(standing.at)}  equity {standing.equity:.2f}  open {len(standing.open_cycles)}  "
            f"closed {tally.closed} ({tally.won} won)"
        )

    def close(self) -> None:
        """Leave what was printed."""

    def _print(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


class TerminalView:
    """Progress, equity, open cycles, last signals and fills, renewed four times a second."""

    def __init__(self, console: Console, tally: Tally, start: Time, end: Time) -> None:
        self._tally = tally
        self._start = start
        self._end = end
        self._began = time.monotonic()
        self._first: Time | None = None
        self._next = 0.0
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._live.start()

    def event(self, what: Event) -> None:
        """Print an alert above the picture; the rest is in the tally, and so on the next one."""
        if isinstance(what, AlertRaised):
            self._live.console.print(alert_line(what), markup=False, highlight=False, soft_wrap=True)

    def wants(self, at: Time) -> bool:
        """Say so four times a second."""
        return time.monotonic() >= self._next

    def show(self, standing: Standing) -> None:
        """Renew the picture."""
        self._next = time.monotonic() + REFRESH_SECONDS
        self._live.update(self.picture(standing), refresh=True)

    def close(self) -> None:
        """Clear the screen for what is printed next."""
        self._live.stop()

    def picture(self, standing: Standing) -> Group:
        """Return what is shown."""
        if self._first is None:
            self._first = standing.at
        tally = self._tally
        elapsed = time.monotonic() - self._began
        speed = (standing.at - self._first) / 1e6 / elapsed if elapsed > 0 else 0.0
        head = Table.grid(padding=(0, 2))
        head.add_row(
            Text(iso(standing.at), "bold"), ProgressBar(self._end - self._start, standing.at - self._start, 40)
        )
        head.add_row("speed", f"{speed:,.0f}x")
        head.add_row("equity", f"{standing.equity:,.2f} ({standing.cash:,.2f} in cash)")
        head.add_row("cycles", f"{len(standing.open_cycles)} open, {tally.closed} closed, {tally.won} won")
        head.add_row("earned", signed(tally.pnl))
        return Group(head, "", self._open(standing), "", self._last())

    def _open(self, standing: Standing) -> Table:
        table = Table(title="open cycles", title_justify="left", box=None, pad_edge=False)
        for name in ("symbol", "strategy", "since", "holds", "paid", "stop"):
            table.add_column(name, justify="right" if name in {"holds", "paid", "stop"} else "left")
        for cycle in standing.open_cycles:
            amounts = (plain(cycle.held), f"{cycle.paid:,.2f}", plain(cycle.stop_price))
            table.add_row(cycle.symbol, cycle.strategy, _minute(cycle.at), *amounts)
        return table

    def _last(self) -> Table:
        table = Table.grid(padding=(0, 2))
        table.add_column()
        table.add_column(no_wrap=True)  # on a narrow terminal signals are cut short, fills are not
        signals = [
            f"{_minute(signal.timestamp)} {signal.symbol} {signal.signal_type} {signal.strategy} {signal.timeframe}"
            for signal in self._tally.signals
        ]
        fills = [f"{_minute(fill.filled_at)} {_what_was_filled(fill)}" for fill in self._tally.fills]
        table.add_row(Text("last signals", "italic"), Text("last fills", "italic"))
        for signal, fill in zip_longest(signals, fills, fillvalue=""):
            table.add_row(Text(signal, no_wrap=True, overflow="ellipsis"), fill)
        return table


def fill_line(fill: Fill) -> str:
    """Return a fill in one line."""
    return f"{iso(fill.filled_at)} {_what_was_filled(fill)}"


def cycle_line(cycle: TradeCycle) -> str:
    """Return a closed cycle in one line."""
    return f"{iso(cycle.updated_at)} {cycle.symbol} closed by {cycle.exit_reason}: {signed(cycle.pnl or Decimal(0))}"


def _what_was_filled(fill: Fill) -> str:
    return f"{fill.symbol} {fill.side} {plain(fill.quantity)} at {plain(fill.price)}"


def _minute(at: Time) -> str:
    """Return an instant as the view shows it: to the minute, without the year, which stands at its top."""
    return iso(at)[5:16].replace("T", " ")


def signed(amount: Decimal) -> str:
    """Return an amount with its sign and two decimals."""
    return f"{amount:+,.2f}"


def alert_line(alert: AlertRaised) -> str:
    """Return an alert as a line."""
    return " ".join(part for part in (iso(alert.at), alert.severity.upper(), alert.symbol, alert.text) if part)
