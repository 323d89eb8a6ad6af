"""The coordinator: verdicts in, trade cycles out (trading-rules 2 and 3; consistency-rules 1.4, 1.6)."""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from roottrading.domain.fees import FeeSchedule
from roottrading.domain.instrument import Instrument
from roottrading.domain.position import Manager
from roottrading.domain.time import Time
from roottrading.messages.commands import MoveStop
from roottrading.messages.envelope import Envelope
from roottrading.messages.events import (
    CommandRefused,
    FillUnmatched,
    OrderChanged,
    OrderFilled,
    OrderRejected,
    PortfolioUpdated,
    PrefixShared,
    ProtectionRestored,
    TradeCycleMoved,
    TradeProgressed,
)
from roottrading.messages.exchange import InstrumentChanged
from roottrading.messages.service import (
    AccountAdjusted,
    ControlChanged,
    DeadlineDue,
    Decision,
    Input,
    InstantComplete,
    Resumed,
    Row,
)
from roottrading.messages.signals import AggregatedSignal
from roottrading.services.coordinator import abnormal, crossing, cycles, limits, managing
from roottrading.services.coordinator.adjusting import adopt_waiting, on_adjusted, on_adoption_refused, on_due
from roottrading.services.coordinator.control import on_control
from roottrading.services.coordinator.draft import Draft
from roottrading.services.coordinator.entering import Desk, instrument_of, on_candidates, refuse
from roottrading.services.coordinator.judging import judge_account
from roottrading.services.coordinator.leaving import (
    cancel_resting,
    close,
    close_where_possible,
    may_leave,
    on_instrument,
    on_too_small,
)
from roottrading.services.coordinator.ledger import holdings
from roottrading.services.coordinator.records import State
from roottrading.services.coordinator.settings import CoordinatorSettings
from roottrading.services.coordinator.sizing import Refused
from roottrading.services.coordinator.state import (
    ACCOUNT,
    ACCOUNT_KEY,
    Account,
    OpenCycle,
    SymbolState,
)
from roottrading.services.coordinator.watching import Watches, judged_by


class Coordinator:
    """A pure service (`messages.service.Service`); `managers` are the strategies that override `manage`, by name."""

    def __init__(
        self,
        deployment: str,
        instruments: Mapping[str, Instrument],
        fees: FeeSchedule,
        settings: CoordinatorSettings,
        managers: Mapping[str, Manager],
    ) -> None:
        own = dict(instruments)
        self._desk = Desk(deployment, own, fees, settings)
        self._settings = settings
        self._managers = managers
        self._state = State(Account(settings.capital, settings.capital))
        self._draft = Draft(self._state)
        self._judges = limits.judged(settings)
        self._counts_orders = abnormal.counts_orders(settings.abnormal)
        self._watches = Watches(own, settings, managers)
        self._handlers: dict[type, Callable[[Draft, Any, Time], None]] = {
            AggregatedSignal: self._on_verdict,
            InstantComplete: self._on_instant,
            OrderFilled: self._on_fill,
            TradeCycleMoved: self._on_moved,
            OrderChanged: self._on_order,
            OrderRejected: lambda draft, rejected, _: abnormal.on_rejected(draft, rejected, settings.abnormal),
            PrefixShared: lambda draft, shared, _: abnormal.on_shared(draft, shared),
            FillUnmatched: lambda draft, fill, _: abnormal.on_unmatched(draft, fill, settings.abnormal),
            ProtectionRestored: lambda draft, span, _: abnormal.on_span(draft, span, settings.abnormal),
            CommandRefused: self._on_refused,
            PortfolioUpdated: self._on_portfolio,
            InstrumentChanged: lambda draft, changed, now: on_instrument(draft, own, changed, now),
            ControlChanged: on_control,
            AccountAdjusted: lambda draft, adjusted, now: on_adjusted(draft, self._desk, adjusted, now),
            DeadlineDue: lambda draft, _, now: on_due(draft, now),
            Resumed: self._on_resumed,
        }

    # ---- the service

    def restore(self, rows: Iterable[Row]) -> None:
        """Take the state that the rows describe."""
        self._state.restore(rows)
        self._desk.instruments.update(self._state.instruments)

    def decide(self, given: Input, now: Time) -> Decision:
        """Fold one input; raises on a fill or move that contradicts what is known here."""
        body = given.body if type(given) is Envelope else given
        draft, state, handlers = self._draft, self._state, self._handlers
        account = state.account
        for fact in body.facts if type(body) is TradeProgressed else (body,):
            handler = handlers.get(type(fact))
            if handler is not None:
                handler(draft, fact, now)
        equity = self._judges and state.account is not account and judged_by(state.account) != judged_by(account)
        if draft.watched or equity:
            draft.watches += self._watches.changed(state, draft.watched, equity)
            draft.watched = set()
        return draft.decision()

    def state(self) -> dict[str, dict[Any, Any]]:
        """Return all records by table and key, to compare two coordinators."""
        return {ACCOUNT: {ACCOUNT_KEY: self._state.account}, **self._state.tables()}

    def holdings(self) -> tuple[Decimal, dict[str, Decimal]]:
        """Return cash and own base by symbol: what `ledger.risk_equity` values at the closes of any T."""
        return self._state.account.cash, holdings(self._state)

    # ---- verdicts

    def _on_verdict(self, draft: Draft, verdict: AggregatedSignal, now: Time) -> None:
        cycle = self._state.cycles.get(verdict.symbol)
        if cycle is not None:
            self._on_open_cycle(draft, cycle, verdict, now)
        if verdict.complete and verdict.close is not None:
            self._on_crossing(draft, verdict, verdict.close)

    def _on_open_cycle(self, draft: Draft, cycle: OpenCycle, verdict: AggregatedSignal, now: Time) -> None:
        """Leave on any SELL, crossing or not, incomplete or late too (trading-rules 3.3); else manage."""
        if cycle.waits and verdict.close is not None:
            close_where_possible(draft, cycle, instrument_of(self._desk, cycle.symbol), verdict.close)
        if not may_leave(cycle):
            return
        if verdict.value <= -self._settings.threshold:
            close(draft, cycle, "verdict")
            return
        price = verdict.close
        if price is None or cycle.status != "open" or verdict.at <= cycle.at:
            return
        symbol = self._state.symbol(cycle.symbol)
        if symbol.reopened:
            draft.put_symbol(replace(symbol, reopened=False))
            if price <= cycle.stop_price:
                close(draft, cycle, "stop")
                return
        instrument = instrument_of(self._desk, cycle.symbol)
        outcome = managing.manage(cycle, verdict, price, self._managers, instrument, self._settings)
        if outcome.fault:
            draft.alert("warning", "manage_failed", outcome.fault, now, cycle.symbol)
        if outcome.exit:
            close(draft, outcome.cycle, outcome.exit)
            return
        if outcome.cycle is not cycle:
            draft.put_cycle(outcome.cycle)
            draft.watched.add(cycle.symbol)
        if outcome.stop is not None:
            draft.command(cycle.symbol, MoveStop(cycle.id, cycle.symbol, outcome.stop))

    def _on_crossing(self, draft: Draft, verdict: AggregatedSignal, price: Decimal) -> None:
        known = self._state.symbols.get(verdict.symbol)
        if known is None:
            instrument_of(self._desk, verdict.symbol)
        before = known.below if known is not None else None
        reading = crossing.read(before, verdict.value, self._settings.threshold)
        if reading.below != before:
            draft.put_symbol(replace(known or SymbolState(verdict.symbol), below=reading.below))
            draft.watched.add(verdict.symbol)
        if not reading.crosses:
            return
        older = self._state.candidates.get(verdict.symbol)
        if older is not None:
            draft.drop_candidate(older)
            refuse(draft, older, Refused("late", {"decided_at": str(verdict.at)}))
        candidate = crossing.candidate_of(verdict, price, reading.first)
        if verdict.late:
            refuse(draft, candidate, Refused("late", {}))
        else:
            draft.put_candidate(candidate)

    # ---- one instant

    def _on_instant(self, draft: Draft, complete: InstantComplete, now: Time) -> None:
        """Judge risk, adopt, then decide entries, all at the closes of T (consistency-rules 1.4)."""
        state = self._state
        worth = judge_account(draft, self._desk, complete) if self._judges else None
        if state.adjustments:
            adopt_waiting(draft, self._desk, complete.at, complete.closes)
            worth = None
        if state.candidates:
            on_candidates(draft, self._desk, complete.at, complete.closes, worth)

    # ---- what became of it

    def _on_refused(self, draft: Draft, refused: CommandRefused, now: Time) -> None:
        on_adoption_refused(draft, refused)
        on_too_small(draft, refused)

    def _on_order(self, draft: Draft, changed: OrderChanged, now: Time) -> None:
        if changed.order.side == "BUY":  # a sale has reserved nothing
            cycles.on_order(draft, changed)
        if self._counts_orders and abnormal.is_counted(changed):
            abnormal.on_ended(draft, changed, self._settings.abnormal)

    def _on_fill(self, draft: Draft, filled: OrderFilled, now: Time) -> None:
        cycles.on_fill(draft, filled, instrument_of(self._desk, filled.fill.symbol), self._settings)

    def _on_moved(self, draft: Draft, moved: TradeCycleMoved, now: Time) -> None:
        cycles.on_moved(draft, moved, self._settings)

    def _on_portfolio(self, draft: Draft, updated: PortfolioUpdated, now: Time) -> None:
        """Books that differ from the account mean reduce only; no size ever comes from them (consistency-rules 1.6)."""
        account = self._state.account
        if bool(updated.discrepancies) == account.discrepancy:
            return
        draft.put_account(replace(account, discrepancy=bool(updated.discrepancies)))
        if updated.discrepancies:
            draft.alert("critical", "discrepancy", "; ".join(updated.discrepancies), now)
            cancel_resting(draft, "discrepancy")

    # ---- start-up

    def _on_resumed(self, draft: Draft, resumed: Resumed, now: Time) -> None:
        """Say again what must be seen; keep the account where this is the first start of the deployment."""
        if not self._state.account_kept:
            draft.put_account(self._state.account)
        draft.watches += self._watches.restate(self._state)
