"""A decision being made: changes go into the state and, as rows, into the decision, in one place."""

from typing import Final, Literal

from roottrading.domain.time import Time
from roottrading.domain.trade_cycle import Dust, TradeCycle
from roottrading.messages.channels import TRADE_COMMANDS, TRADE_EVENTS
from roottrading.messages.envelope import Message
from roottrading.messages.events import AlertRaised, EntryRefused
from roottrading.messages.service import NOTHING, Decision, Outgoing, Row, Watch
from roottrading.services.coordinator.state import (
    ACCOUNT,
    ACCOUNT_KEY,
    ADJUSTMENTS,
    CANDIDATES,
    CONDUCT,
    DUST,
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
    State,
    SymbolState,
)

_ACCOUNT_KEYS: Final = (ACCOUNT_KEY,)


class Draft:
    """Collects what follows from one input. `watched` are the symbols whose watches may have changed."""

    __slots__ = ("deadlines", "messages", "rows", "state", "watched", "watches")

    def __init__(self, state: State) -> None:
        self.state = state
        self.messages: list[Outgoing] = []
        self.rows: list[Row] = []
        self.deadlines: list[tuple[str, Time | None]] = []
        self.watches: list[Watch] = []
        self.watched: set[str] = set()

    def decision(self) -> Decision:
        """Return what was collected; NOTHING where nothing was."""
        if self.rows or self.messages or self.watches or self.deadlines:
            return Decision(tuple(self.messages), (), tuple(self.deadlines), tuple(self.rows), tuple(self.watches))
        return NOTHING

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
        self.rows.append(Row(REFUSALS, (verdict_id,), Refusal(verdict_id, symbol, reason, numbers, at)))

    # ---- records

    def put_account(self, account: Account) -> None:
        """Keep the account's new record."""
        self.state.account = account
        self.rows.append(Row(ACCOUNT, _ACCOUNT_KEYS, account))

    def put_conduct(self, conduct: Conduct) -> None:
        """Keep what abnormal trading is told by."""
        self.state.kept_conduct[ACCOUNT_KEY] = conduct
        self.rows.append(Row(CONDUCT, _ACCOUNT_KEYS, conduct))

    def put_symbol(self, record: SymbolState) -> None:
        """Keep a symbol's new record."""
        self.state.symbols[record.symbol] = record
        self.rows.append(Row(SYMBOLS, (record.symbol,), record))

    def put_cycle(self, cycle: OpenCycle) -> None:
        """Keep an open cycle's new record."""
        self.state.cycles[cycle.symbol] = cycle
        self.rows.append(Row(OPEN_CYCLES, (cycle.symbol,), cycle))

    def drop_cycle(self, cycle: OpenCycle) -> None:
        """Forget a cycle that ended; its journal row stays."""
        del self.state.cycles[cycle.symbol]
        self.rows.append(Row(OPEN_CYCLES, (cycle.symbol,), None))

    def journal(self, row: TradeCycle) -> None:
        """Write the cycle's row of `trade_cycles`."""
        self.rows.append(Row(TRADE_CYCLES, (row.id,), row))

    def put_candidate(self, candidate: Candidate) -> None:
        """Keep a crossing until InstantComplete."""
        self.state.candidates[candidate.symbol] = candidate
        self.rows.append(Row(CANDIDATES, (candidate.symbol,), candidate))

    def drop_candidate(self, candidate: Candidate) -> None:
        """Forget a crossing that was decided."""
        del self.state.candidates[candidate.symbol]
        self.rows.append(Row(CANDIDATES, (candidate.symbol,), None))

    def put_dust(self, symbol: str, dust: Dust) -> None:
        """Keep the symbol's dust; none is no record."""
        if dust.quantity:
            self.state.dust[symbol] = dust
            self.rows.append(Row(DUST, (symbol,), dust))
        elif symbol in self.state.dust:
            del self.state.dust[symbol]
            self.rows.append(Row(DUST, (symbol,), None))

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
        self.rows.append(Row(ADJUSTMENTS, (adjustment.number,), adjustment))

    def drop_adjustment(self, adjustment: PendingAdjustment) -> None:
        """Forget an adjustment that was made."""
        del self.state.adjustments[adjustment.number]
        self.rows.append(Row(ADJUSTMENTS, (adjustment.number,), None))
