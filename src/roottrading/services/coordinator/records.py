"""The coordinator's records by key: what it remembers between two inputs."""

from collections.abc import Iterable
from typing import Any, Final

from roottrading.domain.instrument import Instrument
from roottrading.domain.trade_cycle import Dust
from roottrading.messages.service import Row
from roottrading.services.coordinator.state import (
    ACCOUNT,
    ACCOUNT_KEY,
    ADJUSTMENTS,
    CANDIDATES,
    CONDUCT,
    DUST,
    INSTRUMENTS,
    OPEN_CYCLES,
    SYMBOLS,
    Account,
    Candidate,
    Conduct,
    OpenCycle,
    PendingAdjustment,
    SymbolState,
)

_UNWATCHED: Final = Conduct()


class State:
    """The records by key. One open cycle per symbol, always (trading-rules 1.11): the symbol is the key."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.account_kept = False  # whether its row stands
        self.symbols: dict[str, SymbolState] = {}
        self.cycles: dict[str, OpenCycle] = {}
        self.candidates: dict[str, Candidate] = {}
        self.dust: dict[str, Dust] = {}
        self.adjustments: dict[int, PendingAdjustment] = {}
        self.kept_conduct: dict[str, Conduct] = {}
        self.instruments: dict[str, Instrument] = {}  # as the exchange changed them

    @property
    def conduct(self) -> Conduct:
        """What abnormal trading is told by, a fresh record where there is none yet."""
        return self.kept_conduct.get(ACCOUNT_KEY) or _UNWATCHED

    def symbol(self, symbol: str) -> SymbolState:
        """Return the symbol's record, a fresh one where there is none yet."""
        return self.symbols.get(symbol) or SymbolState(symbol)

    def restore(self, rows: Iterable[Row]) -> None:
        """Take the records of the state tables; rows of other tables are not ours."""
        tables = self.tables()
        for row in rows:
            if row.table == ACCOUNT:
                self.account = row.values
                self.account_kept = True
            elif row.table in tables:
                tables[row.table][row.key[0]] = row.values

    def tables(self) -> dict[str, dict[Any, Any]]:
        """Return the records by table and key, the account aside."""
        return {
            SYMBOLS: self.symbols,
            OPEN_CYCLES: self.cycles,
            CANDIDATES: self.candidates,
            DUST: self.dust,
            ADJUSTMENTS: self.adjustments,
            CONDUCT: self.kept_conduct,
            INSTRUMENTS: self.instruments,
        }


def find(state: State, symbol: str, cycle_id: str) -> OpenCycle | None:
    """Return the symbol's open cycle if it is this one."""
    cycle = state.cycles.get(symbol)
    return cycle if cycle is not None and cycle.id == cycle_id else None
