"""The desk: what the trader was given, and all that it remembers between two inputs."""

from collections.abc import Iterable, Mapping
from copy import copy
from typing import Any

from roottrading.domain.fees import FeeSchedule
from roottrading.domain.instrument import Instrument
from roottrading.messages.service import Row
from roottrading.services.trader.settings import TraderSettings
from roottrading.services.trader.state import (
    BALANCES,
    CONTROL,
    CONTROL_KEY,
    EXECUTIONS,
    HELD,
    INSTRUMENTS,
    SYMBOLS,
    TAKEOVER,
    TAKEOVER_KEY,
    Control,
    CycleExecution,
    FreeBalance,
    HeldCommand,
    SymbolLedger,
    Takeover,
)


class Desk:
    """Settings and records; one cycle a symbol is active at a time (trading-rules 1.11)."""

    def __init__(
        self, deployment: str, instruments: Mapping[str, Instrument], fees: FeeSchedule, settings: TraderSettings
    ) -> None:
        self.deployment = deployment
        self.prefix = f"{deployment}-"
        self.instruments = dict(instruments)
        self.changed: dict[str, Instrument] = {}  # of these: what the exchange said since
        self.fees = fees
        self.settings = settings
        self.bases = frozenset(instrument.base_asset for instrument in instruments.values())
        self.executions: dict[str, CycleExecution] = {}  # by symbol
        self.symbols: dict[str, SymbolLedger] = {}
        self.free: dict[str, FreeBalance] = {}
        self.control = Control()
        self.takeover = Takeover()
        self.held: dict[int, HeldCommand] = {}  # by place

    def restore(self, rows: Iterable[Row]) -> None:
        """Take the records that the rows hold; rows of other tables are none of ours."""
        for row in rows:
            record = row.values
            if row.table == EXECUTIONS:
                self.executions[record.symbol] = copy(record)
            elif row.table == SYMBOLS:
                self.symbols[record.symbol] = record
            elif row.table == BALANCES:
                self.free[record.asset] = record
            elif row.table == CONTROL:
                self.control = record
            elif row.table == TAKEOVER:
                self.takeover = record
            elif row.table == INSTRUMENTS:
                self.adopt(record)
            elif row.table == HELD:
                self.held[record.place] = record

    def state(self) -> dict[str, dict[tuple[str | int, ...], Any]]:
        """Return every state table's records by key, for comparison."""
        return {
            EXECUTIONS: {(execution.cycle_id,): copy(execution) for execution in self.executions.values()},
            SYMBOLS: {(symbol,): ledger for symbol, ledger in self.symbols.items()},
            BALANCES: {(asset,): balance for asset, balance in self.free.items()},
            CONTROL: {(CONTROL_KEY,): self.control} if self.control != Control() else {},
            TAKEOVER: {(TAKEOVER_KEY,): self.takeover} if self.takeover.number else {},
            HELD: {(place,): held for place, held in self.held.items()},
            INSTRUMENTS: {(symbol,): instrument for symbol, instrument in self.changed.items()},
        }

    def adopt(self, instrument: Instrument) -> None:
        """Go by these filters from now on."""
        self.instruments[instrument.symbol] = self.changed[instrument.symbol] = instrument

    def instrument(self, symbol: str) -> Instrument:
        """Return the symbol's filters. Raises ValueError naming it where it is not configured."""
        instrument = self.instruments.get(symbol)
        if instrument is None:
            known = ", ".join(sorted(self.instruments)) or "none"
            raise ValueError(f"the trader has no instrument {symbol!r} (it has {known}): configure the symbol")
        return instrument

    def ledger(self, symbol: str) -> SymbolLedger:
        """Return the symbol's ledger, a fresh one where it was never traded."""
        return self.symbols.get(symbol) or SymbolLedger(symbol)

    def tradable(self, symbol: str) -> bool:
        """Say whether the market takes orders now, as far as we were told."""
        return self.market_status(symbol) == "TRADING"

    def market_status(self, symbol: str) -> str:
        """Return the market's status as last heard, else as it was listed."""
        ledger = self.symbols.get(symbol)
        return ledger.status if ledger is not None and ledger.status else self.instruments[symbol].status
