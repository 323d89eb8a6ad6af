"""A person's commands in a simulated run: who hears them, and what they change on the exchange's account.

`capital` and `adopt` change the bot's share of an account (trading-rules 7.1). A simulated account holds nothing but
that share, so the money or the coins come to it, or leave it, in the same phase in which the services hear of them.
"""

from collections.abc import Mapping

from msgspec.structs import replace

from roottrading.adapters.exchange.simulated import SimulatedExchange
from roottrading.adapters.store.port import Control
from roottrading.domain.instrument import Instrument
from roottrading.domain.money import ZERO, plain
from roottrading.domain.time import Time
from roottrading.messages.events import AlertRaised
from roottrading.messages.service import AccountAdjusted, ControlChanged, Row
from roottrading.runtimes.recording import ALERTS
from roottrading.runtimes.session import Session
from roottrading.runtimes.settle import addressed

REFUSED = "adjustment_refused"  # the subject of the alert that says why nothing was changed


class Controls:
    """Hands a person's commands to the session; what cannot be done is an alert, and changes nothing."""

    def __init__(
        self,
        session: Session,
        exchange: SimulatedExchange,
        instruments: Mapping[str, Instrument],
        quote_asset: str,
    ) -> None:
        """Take the session, its exchange, the instruments of the symbols that are traded, and the account's asset."""
        self._session = session
        self._exchange = exchange
        self._instruments = instruments
        self._quote_asset = quote_asset

    def take(self, request: Control, now: Time) -> None:
        """Give the command as a phase of its own; an adjustment is in force from `now` on."""
        units = self._session.wiring.units
        if isinstance(request, ControlChanged):
            self._session.give([(units[role], request) for role in ("coordinator", "trader")], now)
            return
        adjusted = replace(request, effective_at=now)
        if wrong := self._problem(adjusted):
            alert = AlertRaised("warning", REFUSED, wrong, adjusted.symbol, now)
            self._session.effects.rows.append(Row(ALERTS.name, ("person:adjustments", adjusted.number, 0), alert))
            return
        events = self._exchange.deposit(self._asset(adjusted), adjusted.amount, now)
        hearers = [(units[role], adjusted) for role in ("coordinator", "portfolio")]
        self._session.give([*addressed(self._session.wiring, events), *hearers], now)

    def _asset(self, adjusted: AccountAdjusted) -> str:
        return self._quote_asset if adjusted.kind == "capital" else self._instruments[adjusted.symbol].base_asset

    def _problem(self, adjusted: AccountAdjusted) -> str:
        """Say why an adjustment cannot be taken; empty where it can."""
        amount = adjusted.amount
        if adjusted.kind == "adopt":
            if adjusted.symbol not in self._instruments:
                return f"{adjusted.symbol} is not traded here: adopt coins of {', '.join(sorted(self._instruments))}"
            if amount <= ZERO or adjusted.price is None or adjusted.price <= ZERO:
                return f"{plain(amount)} {adjusted.symbol} at {adjusted.price}: quantity and price must be above 0"
            return ""
        balance = self._exchange.balances().get(self._quote_asset)
        free = ZERO if balance is None else balance.free
        if free + amount < ZERO:
            return (
                f"{plain(-amount)} {self._quote_asset} cannot be removed: {plain(free)} are free; the rest is in open "
                "cycles"
            )
        return ""
