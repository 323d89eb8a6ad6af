"""A person's commands: taken once each from the store's inbox, who hears them, and what stands behind them.

`capital` and `adopt` change the bot's share of an account (trading-rules 7.1). Where that money and those coins are is
the account's affair: a simulated one gets or gives them in the same phase in which the services hear of it.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from roottrading.adapters.store.port import AdjustmentAnswered, Control, QuarantineAnswered, Store
from roottrading.domain.balance import Balance
from roottrading.domain.instrument import Instrument
from roottrading.domain.money import ZERO, plain
from roottrading.domain.time import Time
from roottrading.messages.events import AlertRaised
from roottrading.messages.exchange import ExchangeEvent
from roottrading.messages.service import AccountAdjusted, ControlChanged, Row
from roottrading.runtimes.keeping import Keeper
from roottrading.runtimes.recording import ALERTS
from roottrading.runtimes.session import Session
from roottrading.runtimes.settle import addressed

REFUSED = "adjustment_refused"  # the subject of the alert that says why nothing was changed


class OwnersAccount(Protocol):
    """The account that the bot has a share of, as far as its owner changes that share."""

    @property
    def is_known(self) -> bool:
        """Whether it is known yet what the account holds: until then its share stays as it is."""

    def removable(self, asset: str) -> Decimal:
        """Return how much of the bot's own could leave it: what is free, and set aside for nothing."""

    def addable(self, asset: str) -> Decimal | None:
        """Return how much could become the bot's: what is there, free and not its own. None: as much as is wanted."""

    def change(self, asset: str, amount: Decimal, now: Time) -> Sequence[ExchangeEvent]:
        """Add to what the account holds, or take away where the share's change does that; say what changed."""


class Purse(Protocol):
    """An exchange's account that money can be put into."""

    def balances(self) -> Mapping[str, Balance]:
        """Return the balances by asset."""

    def deposit(self, asset: str, amount: Decimal, now: Time) -> Sequence[ExchangeEvent]:
        """Put an amount in, or take it out where it is below 0."""


class SimulatedAccount:
    """A simulated account holds nothing but the bot's share: what is added comes to it, what is removed leaves it."""

    is_known = True

    def __init__(self, purse: Purse) -> None:
        self._purse = purse

    def removable(self, asset: str) -> Decimal:
        """Return what is free."""
        balance = self._purse.balances().get(asset)
        return ZERO if balance is None else balance.free

    def addable(self, asset: str) -> None:
        """Set no limit: simulated money is there for the asking."""

    def change(self, asset: str, amount: Decimal, now: Time) -> Sequence[ExchangeEvent]:
        """Put it in."""
        return self._purse.deposit(asset, amount, now)


class Share(Struct, frozen=True):
    """How much of an asset may leave the bot's share, and how much may come to it (None: as much as is wanted)."""

    removable: Callable[[str], Decimal]
    addable: Callable[[str], Decimal | None]


def asset_of(adjusted: AccountAdjusted, instruments: Mapping[str, Instrument], quote_asset: str) -> str:
    """Return the asset of which the bot's share changes."""
    return quote_asset if adjusted.kind == "capital" else instruments[adjusted.symbol].base_asset


def problem(adjusted: AccountAdjusted, instruments: Mapping[str, Instrument], quote_asset: str, share: Share) -> str:
    """Say why an adjustment cannot be taken; empty where it can. `instruments` are those that are traded."""
    amount = adjusted.amount
    if adjusted.kind == "adopt":
        if adjusted.symbol not in instruments:
            return f"{adjusted.symbol} is not traded here: adopt coins of {', '.join(sorted(instruments))}"
        if amount <= ZERO or adjusted.price is None or adjusted.price <= ZERO:
            return f"{plain(amount)} {adjusted.symbol} at {adjusted.price}: quantity and price must be above 0"
    asset = asset_of(adjusted, instruments, quote_asset)
    if amount > ZERO:
        most = share.addable(asset)
        if most is not None and amount > most:
            verb = "added" if adjusted.kind == "capital" else "adopted"
            return (
                f"{plain(amount)} {asset} cannot be {verb}: {plain(max(most, ZERO))} on the account are free and "
                "not the bot's"
            )
        return ""
    free = share.removable(asset)
    if free + amount < ZERO:
        return f"{plain(-amount)} {asset} cannot be removed: {plain(free)} are free; the rest is in open cycles"
    return ""


def refusal(adjusted: AccountAdjusted, why: str) -> Row:
    """Return the alert that says why nothing was changed."""
    alert = AlertRaised("warning", REFUSED, why, adjusted.symbol, adjusted.effective_at)
    return Row(ALERTS.name, ("person:adjustments", adjusted.number, 0), alert)


class Controls:
    """Hands a person's commands to the session; what cannot be done is an alert, and changes nothing."""

    def __init__(
        self,
        session: Session,
        account: OwnersAccount,
        instruments: Mapping[str, Instrument],
        quote_asset: str,
    ) -> None:
        """Take the session, the account, the instruments of the symbols that are traded, and the account's asset."""
        self._session = session
        self._account = account
        self._instruments = instruments
        self._quote_asset = quote_asset

    def must_wait(self, request: Control) -> bool:
        """Say whether a command cannot be judged yet; the kill switch never waits."""
        return isinstance(request, AccountAdjusted) and not self._account.is_known

    def take(self, request: Control, now: Time) -> None:
        """Give the command as a phase of its own; an adjustment is in force from `now` on."""
        units = self._session.wiring.units
        if isinstance(request, ControlChanged):
            self._session.give([(units[role], request) for role in ("coordinator", "trader")], now)
            return
        if isinstance(request, QuarantineAnswered | AdjustmentAnswered):
            return  # that is for services on their own: here nothing is set aside, and what is asked is judged at once
        adjusted = replace(request, effective_at=now)
        share = Share(self._account.removable, self._account.addable)
        if wrong := problem(adjusted, self._instruments, self._quote_asset, share):
            self._session.effects.rows.append(refusal(adjusted, wrong))
            return
        asset = asset_of(adjusted, self._instruments, self._quote_asset)
        events = self._account.change(asset, adjusted.amount, now)
        hearers = [(units[role], adjusted) for role in ("coordinator", "portfolio")]
        self._session.give([*addressed(self._session.wiring, events), *hearers], now)


class Inbox:
    """The commands that people leave in a store: each is taken once, in order, whatever happens in between.

    One that must wait keeps none behind it from being taken. Only numbers below which nothing waits are kept as taken:
    what was taken out of turn is given again after a restart, and the services drop it by its number.
    """

    def __init__(self, store: Store, controls: Controls, keeper: Keeper, taken: int) -> None:
        """Take the store, who is given the commands, who keeps their numbers, and the last number that was kept."""
        self._store = store
        self._controls = controls
        self._keeper = keeper
        self._taken = taken
        self._out_of_turn: set[int] = set()

    def empty(self, now: Time) -> bool:
        """Take what was left since the last time; say whether anything was. Raises what the store raises."""
        given = waiting = False
        for request in self._store.poll_control(self._taken):
            number = request.number
            if self._controls.must_wait(request):
                waiting = True
                continue
            if number not in self._out_of_turn:
                self._controls.take(request, now)
                given = True
            if waiting:
                self._out_of_turn.add(number)
            else:
                self._taken = number
                self._out_of_turn.discard(number)
                given = True
        if given:
            self._keeper.note_control(self._taken)
        return given
