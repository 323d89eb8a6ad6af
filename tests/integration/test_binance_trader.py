"""Trade cycles over a real connection that is cut, deaf or dumb at every step, and under a trader that is killed.

Whatever happens on the way: what the trader has booked is what the exchange executed, no order was executed twice, and
the cycle ends flat or stands under its stop.
"""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Final

import pytest

from roottrading.exchange_server.faults.fault import Fault
from roottrading.messages.exchange import EXIT, ExecutionsReported, ListFills, OrderExecuted
from tests.contract.exchange_doors import SYMBOL
from tests.integration.cutting import Trouble
from tests.integration.trader_on_the_wire import ACCOUNT, Desk, closing, desk, opening

STEPS: Final = ("entry", "entry in two requests", "exit", "stop", "target")
ENTRIES: Final = STEPS[:2]
TROUBLES: Final = (
    "none",
    "a cut before",
    "a cut after",
    "requests are lost",
    "answers are lost",
    "nobody is let in",
    "killed after sending",
)


async def open_cycle(at: Desk) -> None:
    at.command(opening(at.link))
    assert await at.moved("open", "expired") == "open"
    await at.until(lambda: covered(at) > 0)


def covered(at: Desk) -> Decimal:
    """Return what rests under stops at the exchange itself."""
    return sum(
        (order.quantity - order.executed for order in at.venue.ledger.open_orders(ACCOUNT, SYMBOL) if order.stop_price),
        Decimal(0),
    )


def act(at: Desk, step: str) -> None:
    if step in ENTRIES:
        at.command(opening(at.link))
    elif step == "exit":
        at.command(closing())
    else:
        at.price("58900" if step == "stop" else "62100")


async def under(at: Desk, trouble: str, act_: Callable[[], None]) -> None:
    """Do something while the wire, or the trader, is in trouble; then all is well again."""
    if trouble == "a cut before":
        at.wire.cut()
        act_()
    elif trouble == "a cut after":
        act_()
        await asyncio.sleep(0)
        at.wire.cut()
    elif trouble == "killed after sending":
        act_()
        at.kill()
    elif trouble == "none":
        act_()
    else:
        lost: Trouble = trouble  # type: ignore[assignment]
        at.wire.trouble = lost
        if lost == "nobody is let in":
            at.wire.cut()
        act_()
        await asyncio.sleep(0.5)
        at.wire.trouble = ""
        at.wire.cut()


async def check(at: Desk) -> None:
    """Compare what the trader has booked with what the exchange executed, and both with the account."""
    executed = executions(at)
    await at.until(lambda: [fill.trade_id for fill in at.fills] == [each.trade_id for each in executions(at)])
    executed = executions(at)
    fills = at.fills
    assert [(f.price, f.quantity, f.fee) for f in fills] == [(e.price, e.quantity, e.fee) for e in executed]
    bought = sum((each.quantity for each in executed if each.side == "BUY"), Decimal(0))
    assert bought <= Decimal("0.1"), "an entry was executed twice"
    held = at.venue.balances(ACCOUNT)["BTC"]
    left = held.free + held.locked - Decimal("0.000004")
    if at.status == "open":
        await at.until(lambda: covered(at) == Decimal("0.0999"))
    else:
        assert left == 0, f"{at.status}, and {left} BTC are left"
        await at.until(lambda: not at.venue.ledger.open_orders(ACCOUNT, SYMBOL))


def executions(at: Desk) -> list[OrderExecuted]:
    """Return what the exchange itself has executed for the account."""
    (told,) = at.venue.exchange.execute(ListFills(SYMBOL, "check", EXIT, at.clock.now()), at.clock.now(), ACCOUNT)
    assert isinstance(told, ExecutionsReported)
    return list(told.executions)


def played(test: Callable[[Desk], Awaitable[None]], lists: bool = True) -> None:
    async def whole() -> None:
        async with asyncio.timeout(25), desk(lists) as at:
            await test(at)

    asyncio.run(whole())


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("step", STEPS)
def test_books_equal_the_exchange_whatever_happens(step: str, trouble: str) -> None:
    async def test(at: Desk) -> None:
        if step not in ENTRIES:
            await open_cycle(at)
        await under(at, trouble, lambda: act(at, step))
        ended = await at.moved(*(("open", "expired") if step in ENTRIES else ("closed",)))
        await check(at)
        if step in ENTRIES and ended == "open":
            at.command(closing())
            await at.moved("closed")
            await check(at)

    played(test, lists=step != "entry in two requests")


ANSWER: Final = "ws order*"
FAULTS: Final = {
    "late answer": Fault(kind="latency", where=ANSWER, milliseconds=250),
    "5xx": Fault(kind="refusal", where=ANSWER, status=503),
    "5xx of what was done": Fault(kind="refusal", where=ANSWER, status=503, executed=True),
    "time-out": Fault(kind="timeout", where=ANSWER, milliseconds=200),
    "time-out of what was done": Fault(kind="timeout", where=ANSWER, milliseconds=200, executed=True),
    "silence": Fault(kind="timeout", where=ANSWER, silent=True),
    "silence of what was done": Fault(kind="timeout", where=ANSWER, silent=True, executed=True),
    "cut before the answer": Fault(kind="cut", where=ANSWER, moment="before"),
    "cut in the middle of the answer": Fault(kind="cut", where=ANSWER, moment="middle"),
    "cut after the answer": Fault(kind="cut", where=ANSWER, moment="after"),
    "half an answer": Fault(kind="body", where=ANSWER, shape="truncated"),
    "no json": Fault(kind="body", where=ANSWER, shape="garbage"),
    "a page": Fault(kind="body", where=ANSWER, shape="html"),
    "unknown words": Fault(kind="field", where="user executionReport *", field="x", value="SOMETHING_NEW", times=3),
    "a lost execution": Fault(kind="lose", where="user executionReport TRADE"),
    "lost words": Fault(kind="lose", where="user *", times=0),
    "doubled words": Fault(kind="duplicate", where="user *", times=0),
    "late words": Fault(kind="late", where="user *", milliseconds=250, times=0),
    "swapped words": Fault(kind="swap", where="user *", times=3),
    "a dropped socket": Fault(kind="drop", where=ANSWER),
    "a closed socket": Fault(kind="close", where=ANSWER),
    "a server that goes away": Fault(kind="shutdown", where=ANSWER, milliseconds=100),
    "a stalled socket": Fault(kind="stall", where=ANSWER, milliseconds=600),
    "a clock that is wrong": Fault(kind="drift", milliseconds=5_000),
    "a refused part": Fault(kind="list_part", symbol=SYMBOL),
}


# a stop that works by itself asks nothing: only what is said of it can go wrong
STRUCK: Final = [
    (step, name) for step in STEPS[:4] for name, fault in FAULTS.items() if step != "stop" or fault.where != ANSWER
]


@pytest.mark.parametrize(("step", "fault"), STRUCK)
def test_books_equal_the_exchange_under_every_fault(step: str, fault: str) -> None:
    async def test(at: Desk) -> None:
        if step not in ENTRIES:
            await open_cycle(at)
        number = at.faults.add(FAULTS[fault])
        act(at, step)
        ended = await at.moved(*(("open", "expired", "closed") if step in ENTRIES else ("closed",)))
        assert [each.struck > 0 for each in at.faults if each.number == number] == [True]
        at.faults.remove(number)
        await check(at)
        if step in ENTRIES and ended == "open":
            at.command(closing())
            await at.moved("closed")
            await check(at)

    played(test, lists=step != "entry in two requests")


def test_a_trader_killed_at_every_event_ends_as_one_that_lives() -> None:
    async def test(at: Desk) -> None:
        give = at.give

        def killed(given: object) -> None:
            give(given)  # type: ignore[arg-type]
            at._trader = at._loaded()

        at.give = killed  # type: ignore[method-assign]
        await open_cycle(at)
        at.price("62100")
        await at.moved("closed")
        await check(at)

    played(test)
