"""Requests for capital are judged by who knows, answered once, and nothing comes between judgement and deed."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from decimal import Decimal

import pytest
from msgspec import Struct
from msgspec.structs import replace

from roottrading.adapters.store.memory_units import MemoryUnits
from roottrading.adapters.store.port import AdjustmentAnswered, Commit, Control
from roottrading.domain.balance import Balance
from roottrading.domain.instrument import Instrument
from roottrading.domain.money import ZERO
from roottrading.domain.time import Time
from roottrading.messages.exchange import AccountChanged, QueryAccount, Request
from roottrading.messages.service import (
    NOTHING,
    AccountAdjusted,
    ControlChanged,
    Decision,
    Input,
    InstantComplete,
    Row,
    Table,
)
from roottrading.runtimes.distributed.commands.adjusting import keep_answering
from roottrading.runtimes.distributed.commands.commanding import give_commands, keep_commanding
from roottrading.runtimes.distributed.commands.judges import Books
from roottrading.runtimes.distributed.unit.actor import Actor
from roottrading.runtimes.distributed.unit.inbox import Given
from roottrading.runtimes.distributed.unit.ways import Ways
from roottrading.runtimes.recording import ALERTS
from roottrading.runtimes.step import Unit
from roottrading.runtimes.together import first_of
from roottrading.services.portfolio import Portfolio
from roottrading.services.portfolio.state import TABLES as BOOKS
from tests.integration.quarantine_bench import PostedHere

D = Decimal


class Cash(Struct, frozen=True):
    """What a purse has, and the numbers of the requests that changed it."""

    amount: Decimal
    taken: tuple[int, ...] = ()


CASH = Table("cash", ("name",), Cash, "state")


class Purse:
    """Spends 60 at the end of each instant where it can; a request changes what it has."""

    def __init__(self) -> None:
        self.cash = Cash(D(100))

    def restore(self, rows: Iterable[Row]) -> None:
        for row in rows:
            self.cash = row.values

    def decide(self, given: Input, now: Time) -> Decision:
        if isinstance(given, AccountAdjusted):
            assert given.number > max(self.cash.taken, default=0)
            self.cash = Cash(self.cash.amount + given.amount, (*self.cash.taken, given.number))
        elif isinstance(given, InstantComplete) and self.cash.amount >= D(60):
            self.cash = replace(self.cash, amount=self.cash.amount - D(60))
        else:
            return NOTHING
        return Decision(rows=(Row("cash", ("cash",), self.cash),))


class Free:
    """Judges by what is in the purse, all but what is somebody else's to judge: more than 1000."""

    def __init__(self, purse: Purse) -> None:
        self._purse = purse

    def judges(self, request: AccountAdjusted) -> bool:
        return request.amount <= D(1000)

    async def look(self, request: AccountAdjusted) -> str:
        return ""

    def problem(self, request: AccountAdjusted) -> str:
        return "" if self._purse.cash.amount + request.amount >= ZERO else "there is less"


class Far(Struct):
    """How far traders are."""

    said: dict[str, int]
    taken: int


class RequestsHere(PostedHere):
    """Commands in memory, with the answers that units left there."""

    def __init__(self, units: MemoryUnits) -> None:
        super().__init__()
        self._units = units
        self._told: set[int] = set()

    async def poll(self, after: int) -> Sequence[Control]:
        for request, answered in tuple(self._units.answers.items()):
            if request not in self._told:
                self._told.add(request)
                await self.post(answered)
        return await super().poll(after)

    async def unanswered(self) -> Sequence[AccountAdjusted]:
        asked = [each for each in self.posted if isinstance(each, AccountAdjusted)]
        return [each for each in asked if each.number not in self._units.answers]

    async def progress_of(self, service: str, shards: Collection[int]) -> Far:
        raise AssertionError("nobody asks")


class Bench:
    """A purse as the coordinator's unit, through its incarnations; `hold` is awaited before each answer's end."""

    def __init__(self, role: str = "coordinator") -> None:
        self.role = role
        self.units = MemoryUnits((CASH, ALERTS))
        self.requests = RequestsHere(self.units)
        self.purse = Purse()
        self.actor: Actor | None = None

    async def live(self, judged: bool = True) -> None:
        store = self.units.unit(f"{self.role}/0")
        loaded = await store.load()
        self.purse = Purse()
        self.purse.restore(loaded.rows["cash"])
        unit = Unit(self.role, 0, self.purse, loaded.fence)
        ways = Ways(_publish, self.units.said, lambda: 7, lambda requests: None, lambda envelope: ())
        actor = self.actor = Actor(unit, store, loaded, ways)
        await give_commands(self.requests, (actor,))
        works = [actor.run(), keep_commanding(self.requests, (actor,))]
        if judged:
            works.append(keep_answering(self.requests, actor, Free(self.purse), lambda: 7))
        await first_of(*works)

    async def rests(self, numbers: int) -> None:
        async with asyncio.timeout(10):
            while len(self.requests.posted) < numbers or not self._is_idle(numbers):
                await asyncio.sleep(0.001)

    def _is_idle(self, numbers: int) -> bool:
        return self.actor is not None and self.actor.commanded >= numbers and self.actor.is_idle

    def alerts(self) -> list[str]:
        store = self.units.store(f"{self.role}/0")
        return [alert.text for alert in store.journal(ALERTS)]  # type: ignore[attr-defined]


async def _publish(sent: object) -> None:
    raise AssertionError("it says nothing")


def capital(amount: int) -> AccountAdjusted:
    return AccountAdjusted(0, "capital", "", D(amount), None, 0)


def played(play: Callable[[Bench], Awaitable[None]], role: str = "coordinator") -> Bench:
    bench = Bench(role)

    async def whole() -> None:
        await play(bench)

    asyncio.run(whole())
    return bench


async def ended(living: "asyncio.Task[None]") -> None:
    living.cancel()
    await asyncio.wait([living])
    if not living.cancelled():
        living.result()


def test_what_is_judged_is_done_before_anything_else_is() -> None:
    async def play(bench: Bench) -> None:
        living = asyncio.create_task(bench.live())
        await bench.rests(0)
        assert bench.actor is not None
        actor, store = bench.actor, bench.actor.store
        answer = store.answer

        async def slow(answered: AdjustmentAnswered) -> None:
            actor.give([Given(InstantComplete(1, {}))])  # an entry that would take what is about to leave
            await asyncio.sleep(0.01)
            await bench.requests.post(ControlChanged(0, "state", "halted", "", "", "me", ""))
            await answer(answered)

        store.answer = slow  # type: ignore[method-assign]
        await bench.requests.post(capital(-50))
        await bench.rests(3)
        assert bench.purse.cash == Cash(D(50), (3,))
        await ended(living)

    played(play)


def test_who_dies_with_his_answer_standing_takes_it_first_and_once() -> None:
    async def play(bench: Bench) -> None:
        class Died(Exception):
            pass

        living = asyncio.create_task(bench.live())
        await bench.rests(0)
        assert bench.actor is not None
        store = bench.actor.store
        commit = store.commit

        async def dies(kept: Commit) -> None:
            if kept.rows:
                raise Died
            await commit(kept)

        store.commit = dies  # type: ignore[method-assign,assignment]
        await bench.requests.post(capital(-50))
        with pytest.raises(Died):
            await living
        assert bench.units.answers[1].refused == ""
        for _ in range(2):
            living = asyncio.create_task(bench.live())
            await bench.rests(2)
            assert bench.actor is not None
            bench.actor.give([Given(InstantComplete(1, {}))])
            await asyncio.sleep(0.01)
            assert bench.purse.cash == Cash(D(50), (2,))
            await ended(living)
        assert len(bench.requests.posted) == 2

    played(play)


@pytest.mark.parametrize(("role", "told"), [("coordinator", ["there is less"]), ("portfolio", [])])
def test_what_cannot_be_is_refused_and_said_once(role: str, told: list[str]) -> None:
    async def play(bench: Bench) -> None:
        living = asyncio.create_task(bench.live())
        for amount in (-101, 20, -110):
            await bench.requests.post(capital(amount))
        await bench.rests(6)
        assert [(each.request, each.refused) for each in answers(bench)] == [(1, "there is less"), (2, ""), (3, "")]
        assert bench.purse.cash == Cash(D(10), (5, 6))
        await ended(living)

    assert played(play, role).alerts() == told


def test_requests_are_answered_in_their_order_whoever_judges_them() -> None:
    async def play(bench: Bench) -> None:
        living = asyncio.create_task(bench.live())
        await bench.rests(0)
        for amount in (2000, -2050):  # the first is another service's to judge
            await bench.requests.post(capital(amount))
        await bench.rests(2)
        await asyncio.sleep(0.01)
        assert answers(bench) == []
        other = bench.units.unit("portfolio/0")
        await other.load()
        await other.answer(AdjustmentAnswered(0, 1, capital(2000)))
        await bench.requests.poll(0)
        await bench.rests(4)
        assert [(each.request, each.refused) for each in answers(bench)] == [(1, ""), (2, "")]
        assert bench.purse.cash == Cash(D(50), (3, 4))
        await ended(living)

    played(play)


def answers(bench: Bench) -> list[AdjustmentAnswered]:
    return [each for each in bench.requests.posted if isinstance(each, AdjustmentAnswered)]


LTC = Instrument("LTCUSDT", "LTC", "USDT", D("0.01"), D("0.001"), D("0.001"), D(1000), D(10))


class Holds:
    """An account that answers with what it holds next; the last thing it goes on holding."""

    def __init__(self, *free: int) -> None:
        self._free = list(free)
        self.whole: AccountChanged | None = None

    def now(self) -> Time:
        return 7

    def send(self, requests: Sequence[Request]) -> None:
        (asked,) = requests
        assert isinstance(asked, QueryAccount)
        if self._free:
            free = self._free.pop(0) if len(self._free) > 1 else self._free[0]
            balances = (Balance("USDT", D(free), ZERO), Balance("LTC", D(5), ZERO))
            self.whole = AccountChanged("LTCUSDT", asked.client_order_id, 7, balances)


class Judged:
    """Books that begin with 100 USDT, beside an account, and traders that are as far as is said."""

    def __init__(self, account: Holds, *traders: Far) -> None:
        self.seen: dict[tuple[str, str], int] = {("trader", "trade.events/LTCUSDT"): 4}
        self._traders = list(traders)
        self._account = account

    async def say(self, request: AccountAdjusted) -> str:
        store = MemoryUnits(BOOKS).unit("portfolio/0")
        loaded = await store.load()
        portfolio = Portfolio("sim", "USDT", D(100), {"LTCUSDT": LTC})
        unit = Unit("portfolio", 0, portfolio, loaded.fence, dict(self.seen))
        ways = Ways(_publish, MemoryUnits(()).said, lambda: 7, lambda requests: None, lambda envelope: ())
        actor = Actor(unit, store, loaded, ways)
        books = Books(actor, {"LTCUSDT": LTC}, "USDT", self._account, self._far, 0.01, 0.2)
        return await books.look(request) or books.problem(request)

    async def _far(self) -> Far:
        return self._traders.pop(0) if len(self._traders) > 1 else self._traders[0]


READ = Far({"trade.events/LTCUSDT": 4, "other/LTCUSDT": 9}, 9)


@pytest.mark.parametrize(
    ("account", "traders", "amount", "why"),
    [
        (Holds(130), (READ,), 30, ""),
        (Holds(130), (READ,), 31, "31 USDT cannot be added: 30 on the account are free and not the bot's"),
        (Holds(130, 110, 120), (READ,), 20, ""),
        (Holds(130), (replace(READ, taken=8), READ), 30, ""),
        (Holds(130), (replace(READ, taken=8),), 30, "not every trader runs"),
        (Holds(130), (Far({"trade.events/LTCUSDT": 5}, 9),), 30, "what the traders did is not all booked"),
        (Holds(*range(130, 300)), (READ,), 30, "the account's USDT changes all the time"),
    ],
)
def test_what_comes_is_judged_when_all_is_booked_and_the_account_stands_still(
    account: Holds, traders: tuple[Far, ...], amount: int, why: str
) -> None:
    said = asyncio.run(Judged(account, *traders).say(replace(capital(amount), number=9)))
    assert said == why or (why and f"cannot become the bot's now: {why}" in said)


def test_coins_that_are_not_traded_and_coins_that_are_there() -> None:
    coins = AccountAdjusted(9, "adopt", "LTCUSDT", D(5), D(250), 0)
    assert asyncio.run(Judged(Holds(130), READ).say(coins)) == ""
    more = asyncio.run(Judged(Holds(130), READ).say(replace(coins, amount=D("5.1"))))
    assert more == "5.1 LTC cannot be adopted: 5 on the account are free and not the bot's"
    other = asyncio.run(Judged(Holds(130), READ).say(replace(coins, symbol="XRPUSDT")))
    assert other == "XRPUSDT is not traded here: adopt coins of LTCUSDT"
