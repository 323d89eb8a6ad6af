"""A decision being made: changes go into the state and, as rows, into the decision, in one place."""

from decimal import Decimal
from typing import Final, Literal

from roottrading.domain.instrument import Instrument
from roottrading.domain.time import Time
from roottrading.domain.trade_cycle import Dust
from roottrading.messages.channels import TRADE_COMMANDS, TRADE_EVENTS
from roottrading.messages.envelope import Message
from roottrading.messages.events import AlertRaised, EntryRefused
from roottrading.messages.service import NOTHING, Decision, Outgoing, Row, Watch
from roottrading.services.coordinator.cycle_rows import row_of
from roottrading.services.coordinator.records import State
from roottrading.services.coordinator.state import (
    ACCOUNT,
    ACCOUNT_KEY,
    ADJUSTMENTS,
    CANDIDATES,
    CONDUCT,
    DUST,
    INSTRUMENTS,
    OPEN_CYCLES,
    REFUSALS,
    SYMBOLS,
    TRADE_CYCLES,
    Account,
    Candidate,
    Conduct,
    OpenCycle,
    PendingAdjustment,
    Refusal,
    SymbolState,
)

_ACCOUNT_KEYS: Final = (ACCOUNT_KEY,)


class Draft:
    """Collects what follows from one input. `watched` are the symbols whose watches may have changed.

    A record that changed several times is one row, as it is at the end. The draft is used again for the next input:
    a service that raised is thrown away, and with it what it had begun.
    """

    __slots__ = ("_journal", "_rows", "deadlines", "messages", "state", "watched", "watches")

    def __init__(self, state: State) -> None:
        self.state = state
        self.messages: list[Outgoing] = []
        self.deadlines: list[tuple[str, Time | None]] = []
        self.watches: list[Watch] = []
        self.watched: set[str] = set()
        self._rows: dict[tuple[str, str | int], Row] = {}  # by table and key
        self._journal: dict[str, tuple[OpenCycle, Decimal | None]] = {}  # by the cycle's id

    def decision(self) -> Decision:
        """Return what was collected, and begin afresh; NOTHING where nothing was."""
        rows, messages, watches, deadlines = self._rows, self.messages, self.watches, self.deadlines
        if not (rows or messages or watches or deadlines):
            return NOTHING
        if self._journal:
            for cycle, pnl in self._journal.values():
                rows[TRADE_CYCLES, cycle.id] = Row(TRADE_CYCLES, (cycle.id,), row_of(cycle, pnl))
            self._journal = {}
        decision = Decision(tuple(messages), (), tuple(deadlines), tuple(rows.values()), tuple(watches))
        self._rows, self.messages, self.watches, self.deadlines = {}, [], [], []
        return decision

    # ---- messages

    def command(self, symbol: str, body: Message) -> None:
        """Tell the trader."""
        self.messages.append(Outgoing(TRADE_COMMANDS, symbol, body))

    def alert(
        self, severity: Literal["info", "warning", "critical"], subject: str, text: str, at: Time, symbol: str = ""
    ) -> None:
        """Tell a person; what concerns no single symbol goes by the key `account`."""
        body = AlertRaised(severity, subject, text, symbol, at)
        self.messages.append(Outgoing(TRADE_EVENTS, symbol or ACCOUNT_KEY, body))

    def refuse(self, symbol: str, verdict_id: str, reason: str, numbers: dict[str, str], at: Time) -> None:
        """Say that a crossing was let pass, and keep it as a row (trading-rules 2.9)."""
        self.messages.append(Outgoing(TRADE_EVENTS, symbol, EntryRefused(symbol, verdict_id, reason, numbers, at)))
        refusal = Refusal(verdict_id, symbol, reason, numbers, at)
        self._rows[REFUSALS, verdict_id] = Row(REFUSALS, (verdict_id,), refusal)

    # ---- records

    def put_account(self, account: Account) -> None:
        """Keep the account's new record."""
        self.state.account = account
        self._rows[ACCOUNT, ACCOUNT_KEY] = Row(ACCOUNT, _ACCOUNT_KEYS, account)

    def put_conduct(self, conduct: Conduct) -> None:
        """Keep what abnormal trading is told by."""
        self.state.kept_conduct[ACCOUNT_KEY] = conduct
        self._rows[CONDUCT, ACCOUNT_KEY] = Row(CONDUCT, _ACCOUNT_KEYS, conduct)

    def put_symbol(self, record: SymbolState) -> None:
        """Keep a symbol's new record."""
        self.state.symbols[record.symbol] = record
        self._rows[SYMBOLS, record.symbol] = Row(SYMBOLS, (record.symbol,), record)

    def put_cycle(self, cycle: OpenCycle) -> None:
        """Keep an open cycle's new record."""
        self.state.cycles[cycle.symbol] = cycle
        self._rows[OPEN_CYCLES, cycle.symbol] = Row(OPEN_CYCLES, (cycle.symbol,), cycle)

    def drop_cycle(self, cycle: OpenCycle) -> None:
        """Forget a cycle that ended; its journal row stays."""
        del self.state.cycles[cycle.symbol]
        self._rows[OPEN_CYCLES, cycle.symbol] = Row(OPEN_CYCLES, (cycle.symbol,), None)

    def journal(self, cycle: OpenCycle, pnl: Decimal | None = None) -> None:
        """Write the cycle's row of `trade_cycles`; `pnl` is a closed cycle's profit."""
        self._journal[cycle.id] = (cycle, pnl)

    def put_candidate(self, candidate: Candidate) -> None:
        """Keep a crossing until InstantComplete."""
        self.state.candidates[candidate.symbol] = candidate
        self._rows[CANDIDATES, candidate.symbol] = Row(CANDIDATES, (candidate.symbol,), candidate)

    def drop_candidate(self, candidate: Candidate) -> None:
        """Forget a crossing that was decided."""
        del self.state.candidates[candidate.symbol]
        self._rows[CANDIDATES, candidate.symbol] = Row(CANDIDATES, (candidate.symbol,), None)

    def put_dust(self, symbol: str, dust: Dust) -> None:
        """Keep the symbol's dust; none is no record."""
        if dust.quantity:
            self.state.dust[symbol] = dust
            self._rows[DUST, symbol] = Row(DUST, (symbol,), dust)
        elif symbol in self.state.dust:
            del self.state.dust[symbol]
            self._rows[DUST, symbol] = Row(DUST, (symbol,), None)

    def take_dust(self, symbol: str) -> Dust:
        """Take the symbol's dust out of its record: it is lent to a cycle now (trading-rules 2.6)."""
        dust = self.state.dust.get(symbol)
        if dust is None:
            return Dust()
        self.put_dust(symbol, Dust())
        return dust

    def put_adjustment(self, adjustment: PendingAdjustment) -> None:
        """Keep an adjustment until its time."""
        self.state.adjustments[adjustment.number] = adjustment
        self._rows[ADJUSTMENTS, adjustment.number] = Row(ADJUSTMENTS, (adjustment.number,), adjustment)

    def put_instrument(self, instrument: Instrument) -> None:
        """Keep filters that the exchange changed."""
        symbol = instrument.symbol
        self.state.instruments[symbol] = instrument
        self._rows[INSTRUMENTS, symbol] = Row(INSTRUMENTS, (symbol,), instrument)

    def drop_adjustment(self, adjustment: PendingAdjustment) -> None:
        """Forget an adjustment that was made."""
        del self.state.adjustments[adjustment.number]
        self._rows[ADJUSTMENTS, adjustment.number] = Row(ADJUSTMENTS, (adjustment.number,), None)
