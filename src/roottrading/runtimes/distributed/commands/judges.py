"""Who judges requests for capital and coins: the coordinator what may leave, the portfolio what may come (7.1).

The coordinator's ledger sets cash aside for entries; the portfolio's books stand beside the account.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, Protocol

from roottrading.domain.balance import Balance
from roottrading.domain.instrument import Instrument
from roottrading.domain.money import ZERO, plain
from roottrading.domain.time import Time
from roottrading.messages.channels import TRADE_EVENTS
from roottrading.messages.exchange import EXIT, AccountChanged, QueryAccount, Request
from roottrading.messages.service import AccountAdjusted, Service
from roottrading.runtimes.controlling import Share, asset_of, problem
from roottrading.runtimes.distributed.account_side import AccountSide
from roottrading.runtimes.distributed.commands.adjusting import Judge, Progress, Requests
from roottrading.runtimes.distributed.exchange_side import ExchangeSide
from roottrading.runtimes.distributed.sharding import ROLE, shards_of
from roottrading.runtimes.distributed.unit.actor import Actor
from roottrading.runtimes.linked.shared_account import addable_amount, removable_cash
from roottrading.services.coordinator.verdicts_to_commands import Coordinator
from roottrading.services.portfolio import Portfolio

_ANSWERED: Final = 3.0  # seconds in which an exchange answers, or does not
_TICK: Final = 0.02

Instruments = Mapping[str, Instrument]


class Ledger:
    """The coordinator's: cash that nothing is set aside for may leave."""

    def __init__(self, service: Service, instruments: Instruments, quote_asset: str) -> None:
        assert isinstance(service, Coordinator)
        self._traded = (instruments, quote_asset)
        self._share = Share(lambda asset: removable_cash(service), lambda asset: ZERO)

    def judges(self, request: AccountAdjusted) -> bool:
        """Say whether something is to leave."""
        return leaves(request)

    async def look(self, request: AccountAdjusted) -> str:
        """Say nothing: all of it is known."""
        return ""

    def problem(self, request: AccountAdjusted) -> str:
        """Say why it cannot leave; nothing where it can."""
        return problem(request, *self._traded, self._share)


class Account(Protocol):
    """An account of which all balances can be asked for."""

    def send(self, requests: Sequence[Request]) -> None:
        """Carry requests out."""

    def now(self) -> Time:
        """Return the exchange's time."""

    @property
    def whole(self) -> AccountChanged | None:
        """The last answer to a question for all balances."""


class Books:
    """The portfolio's: what is free on the account and not the bot's may come.

    Proceeds of a sale that the books have not heard of are nobody's in them. So the traders must have said, and the
    books have read, all that was done up to the request, and the account be as it was a moment before.
    """

    def __init__(
        self,
        actor: Actor,
        instruments: Instruments,
        quote_asset: str,
        account: Account,
        traders: Callable[[], Awaitable[Progress]],
        pause: float = 1.0,
        patience: float = 30.0,
    ) -> None:
        """`traders` tells how far all of them are.

        In `pause` seconds what the account holds must not change; what cannot be judged for `patience` is refused.
        """
        service = actor.unit.service
        assert isinstance(service, Portfolio)
        self._actor = actor
        self._instruments = instruments
        self._quote_asset = quote_asset
        self._account = account
        self._traders = traders
        self._pause = pause
        self._patience = patience
        self._asked = 0
        self._there: Mapping[str, Balance] = {}
        self._share = Share(lambda asset: ZERO, lambda asset: addable_amount(service, self._there, instruments, asset))

    def judges(self, request: AccountAdjusted) -> bool:
        """Say whether something is to come."""
        return not leaves(request)

    async def look(self, request: AccountAdjusted) -> str:
        """Learn what the account holds; say what kept that from being known."""
        if request.kind == "adopt" and request.symbol not in self._instruments:
            return ""
        asset = asset_of(request, self._instruments, self._quote_asset)
        last: Balance | None = None
        until = time.monotonic() + self._patience
        while True:
            why = "the exchange does not tell what the account holds"
            if await self._ask():
                held = self._there.get(asset, Balance(asset, ZERO, ZERO))
                why = await self._unread(request.number)
                if not why and held == last:
                    return ""
                why = why or f"the account's {asset} changes all the time"
                last = held
            if time.monotonic() > until:
                return f"{plain(request.amount)} {asset} cannot become the bot's now: {why}; try again later"
            await asyncio.sleep(self._pause)

    def problem(self, request: AccountAdjusted) -> str:
        """Say why it cannot come; nothing where it can."""
        return problem(request, self._instruments, self._quote_asset, self._share)

    # ---- inside

    async def _ask(self) -> bool:
        """Ask for all balances; say whether there was an answer."""
        self._asked += 1
        account, name = self._account, f"adjusting-{self._asked}"
        account.send([QueryAccount(min(self._instruments), name, EXIT, account.now())])
        try:
            async with asyncio.timeout(_ANSWERED):
                while (whole := account.whole) is None or whole.client_order_id != name:
                    await asyncio.sleep(_TICK)
        except TimeoutError:
            return False
        self._there = {balance.asset: balance for balance in whole.balances}
        return True

    async def _unread(self, number: int) -> str:
        """Say what the books lack of what was done up to the request of this number; nothing where it is all there."""
        traders = await self._traders()
        if traders.taken < number:
            return "not every trader runs, and what they did may not be booked"
        seen = self._actor.seen
        told = [(stream, last) for stream, last in traders.said.items() if stream.startswith(f"{TRADE_EVENTS}/")]
        behind = any(seen.get(("trader", stream), 0) < last for stream, last in told)
        return "what the traders did is not all booked" if behind else ""


def judge_of(actor: Actor, side: ExchangeSide, quote_asset: str, requests: Requests) -> Judge:
    """Return what this unit, which takes requests, judges them by."""
    instruments = side.instruments
    if not isinstance(side, AccountSide):
        return Ledger(actor.unit.service, instruments, quote_asset)
    shards = shards_of(ROLE["trader"], instruments)
    return Books(actor, instruments, quote_asset, side, lambda: requests.progress_of("trader", shards))


def leaves(request: AccountAdjusted) -> bool:
    """Say whether the bot's share becomes less."""
    return request.kind == "capital" and request.amount < ZERO
