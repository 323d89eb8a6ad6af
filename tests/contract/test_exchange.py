"""What every way to the exchange keeps: run in process, run over the wire, and the two compared."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from roottrading.domain.time import SECOND
from roottrading.messages.exchange import (
    ENTRY,
    EXIT,
    PROTECTION,
    AmendOrder,
    AnyRequest,
    CancelOrder,
    CancelReplace,
    ListFills,
    ListOpenOrders,
    OrderSpec,
    PlaceOrder,
    PlaceOrderList,
    QueryAccount,
    QueryOrder,
)
from tests.contract.exchange_doors import SYMBOL, Door, in_process, on_the_wire

pytestmark = pytest.mark.usefixtures("either_loop")

D = Decimal
Scenario = Callable[[Door], Awaitable[None]]
SCENARIOS: Final[list[Scenario]] = []


def scenario(play: Scenario) -> Scenario:
    SCENARIOS.append(play)
    return play


def buy(name: str, kind: Any = "MARKET", quantity: str = "0.1", price: str = "", life: Any = None) -> OrderSpec:
    return OrderSpec(name, "BUY", kind, D(quantity), D(price) if price else None, None, life, "EXPIRE_TAKER")


def sell(name: str, kind: Any = "MARKET", quantity: str | None = "0.1", price: str = "", stop: str = "") -> OrderSpec:
    size = None if quantity is None else D(quantity)
    life: Any = "GTC" if kind.endswith("LIMIT") else None
    prices = (D(price) if price else None, D(stop) if stop else None)
    return OrderSpec(name, "SELL", kind, size, *prices, life, "EXPIRE_TAKER")


def place(door: Door, spec: OrderSpec, urgency: int = ENTRY) -> PlaceOrder:
    return PlaceOrder(SYMBOL, spec.client_order_id, urgency, door.now(), spec)


def place_list(door: Door, kind: Any, *specs: OrderSpec, name: str = "l1") -> PlaceOrderList:
    return PlaceOrderList(SYMBOL, name, PROTECTION if kind == "OCO" else ENTRY, door.now(), kind, specs)


def asking(kind: Any, door: Door, name: str, *more: Any) -> AnyRequest:
    request: AnyRequest = kind(SYMBOL, name, EXIT, door.now(), *more)
    return request


def free(door: Door, asset: str) -> Decimal:
    return door.story.balances[asset].free


async def hold(door: Door, quantity: str = "0.1") -> None:
    """Buy something at 60,000."""
    await door.price("60000")
    await door.ask(place(door, buy("b1", quantity=quantity)))


@scenario
async def a_market_buy(door: Door) -> None:
    await hold(door)
    story = door.story
    assert story.opened["b1"] == ("BUY", "MARKET", None, None, None)
    (fill,) = story.executed.values()
    assert fill == ("b1", "BUY", D(60000), D("0.1"), D("0.1"), "FILLED", D("0.0001"), "BTC", D("0.001"), False)
    assert (free(door, "USDT"), free(door, "BTC")) == (D(94000), D("0.099904"))


@scenario
async def a_market_buy_by_amount(door: Door) -> None:
    await door.price("60000")
    await door.ask(place(door, OrderSpec("b1", "BUY", "MARKET", None, quote_quantity=D(600))))
    assert [fill[3] for fill in door.story.executed.values()] == [D("0.01")]


@scenario
async def a_market_order_that_drains_the_market(door: Door) -> None:
    await hold(door)
    await door.price("60001", volume="0.5")
    await door.ask(place(door, sell("x1", quantity="0.09")))
    assert door.story.ended["x1"][:2] == ("EXPIRED", D("0.05"))


@scenario
async def an_entry_with_its_protection(door: Door) -> None:
    await door.price("60000")
    entry = buy("e1", "LIMIT", "0.1", "60100", "FOK")
    stop, target = sell("s1", "STOP_LOSS", None, stop="59000"), sell("t1", "LIMIT_MAKER", None, price="62000")
    await door.ask(place_list(door, "OPOCO", entry, stop, target))
    story = door.story
    assert story.opened["s1"] == ("SELL", "STOP_LOSS", D("0.0999"), None, D(59000))
    assert story.opened["t1"] == ("SELL", "LIMIT_MAKER", D("0.0999"), D(62000), None)
    assert story.balances["BTC"].locked == D("0.0999")
    await door.price("58990")
    assert [fill[:3] for fill in story.executed.values()] == [("e1", "BUY", D(60000)), ("s1", "SELL", D(59000))]
    assert story.ended["t1"] == ("EXPIRED", D(0), "OCO_TRIGGER")


@scenario
async def an_entry_that_expires_takes_its_legs_along(door: Door) -> None:
    await door.price("60000")
    entry = buy("e1", "LIMIT", "0.1", "59000", "FOK")
    await door.ask(place_list(door, "OPO", entry, sell("s1", "STOP_LOSS", None, stop="58000")))
    story = door.story
    assert story.ended["e1"][0] == "EXPIRED"
    assert story.ended["s1"] == ("EXPIRED", D(0), "OTO_PHASE_ONE_EXPIRED")
    assert not story.executed
    assert free(door, "USDT") == D(100_000)


@scenario
async def legs_of_a_size_that_one_says(door: Door) -> None:
    await door.price("60000")
    entry = buy("e1", "LIMIT", "0.1", "59900", "GTC")
    stop = sell("s1", "STOP_LOSS_LIMIT", "0.09", "55000", "58000")
    target = sell("t1", "LIMIT_MAKER", "0.09", price="62000")
    await hold(door)
    await door.ask(place_list(door, "OTOCO", entry, stop, target))
    await door.price("59890")
    assert door.story.opened["s1"] == ("SELL", "STOP_LOSS_LIMIT", D("0.09"), D(55000), D(58000))
    await door.ask(CancelOrder(SYMBOL, "c1", EXIT, door.now(), "t1"))
    assert {name: end[0] for name, end in door.story.ended.items()} == {"s1": "CANCELED", "t1": "CANCELED"}


@scenario
async def a_target_that_is_met_ends_the_stop(door: Door) -> None:
    await hold(door)
    stop, target = sell("s1", "STOP_LOSS", "0.09", stop="59000"), sell("t1", "LIMIT_MAKER", "0.09", price="61000")
    await door.ask(place_list(door, "OCO", stop, target))
    await door.price("61100")
    fill = list(door.story.executed.values())[-1]
    assert (fill[0], fill[2], fill[5], fill[9]) == ("t1", D(61000), "FILLED", True)
    assert door.story.ended["s1"] == ("EXPIRED", D(0), "OCO_TRIGGER")


@scenario
async def a_stop_that_waits_for_its_limit(door: Door) -> None:
    await hold(door)
    await door.ask(place(door, sell("s1", "STOP_LOSS_LIMIT", "0.09", "59500", "59000"), PROTECTION))
    await door.price("58000")
    assert door.story.triggered == {"s1"}
    await door.ask(asking(QueryOrder, door, "s1"))
    assert door.story.reported["s1"][-2:] == ("NEW", True)


@scenario
async def an_exit_in_place_of_the_stop(door: Door) -> None:
    await hold(door)
    await door.ask(place(door, sell("s1", "STOP_LOSS", "0.09", stop="59000"), PROTECTION))
    exit_ = CancelReplace(SYMBOL, "x1", EXIT, door.now(), "s1", sell("x1", quantity="0.09"), only_new=True)
    await door.ask(exit_)
    assert door.story.ended["s1"][0] == "CANCELED"
    assert [fill[0] for fill in door.story.executed.values()] == ["b1", "x1"]


@scenario
async def an_exit_whose_stop_is_gone(door: Door) -> None:
    await hold(door)
    await door.ask(CancelReplace(SYMBOL, "x1", EXIT, door.now(), "s1", sell("x1", quantity="0.09")))
    (refusal,) = door.story.refused
    assert (refusal[0], refusal[1], refusal[3]) == ("x1", -2022, -2011)
    assert len(door.story.executed) == 1


@scenario
async def an_exit_beside_a_stop_that_is_gone(door: Door) -> None:
    await hold(door)
    order = sell("x1", quantity="0.09")
    await door.ask(CancelReplace(SYMBOL, "x1", EXIT, door.now(), "s1", order, stop_on_failure=False))
    assert door.story.cancels_refused == [("s1", -2011)]
    assert [fill[0] for fill in door.story.executed.values()] == ["b1", "x1"]


@scenario
async def a_stop_that_cannot_be_replaced(door: Door) -> None:
    await hold(door)
    await door.ask(place(door, sell("s1", "STOP_LOSS", "0.09", stop="59000"), PROTECTION))
    late = sell("s2", "STOP_LOSS", "0.09", stop="60500")
    await door.ask(CancelReplace(SYMBOL, "s2", PROTECTION, door.now(), "s1", late))
    (refusal,) = door.story.refused
    assert refusal[:2] == ("s2", -2021)
    assert "trigger immediately" in refusal[2]
    assert door.story.ended["s1"][0] == "CANCELED"


@scenario
async def a_touched_order_that_must_be_untouched(door: Door) -> None:
    await hold(door)
    await door.ask(place(door, sell("t1", "LIMIT", "0.09", "61000"), EXIT))
    await door.price("61001", volume="0.3")
    exit_ = CancelReplace(SYMBOL, "x1", EXIT, door.now(), "t1", sell("x1", quantity="0.06"), only_new=True)
    await door.ask(exit_)
    (refusal,) = door.story.refused
    assert (refusal[0], refusal[1], refusal[3]) == ("x1", -2022, -2011)


@scenario
async def refusals(door: Door) -> None:
    await hold(door)
    asked = [
        buy("r1", "LIMIT_MAKER", "0.1", "60001"),
        buy("r2", "LIMIT", "0.000001", "60000", "GTC"),
        buy("r3", "LIMIT", "0.00001", "60000", "GTC"),
        buy("r4", "LIMIT", "0.1", "60000.001", "GTC"),
        buy("r5", "MARKET", "10"),
        sell("r6", "STOP_LOSS", "0.01", stop="60001"),
    ]
    for spec in asked:
        await door.ask(place(door, spec))
    assert [(name, code) for name, code, *_ in door.story.refused] == [
        ("r1", -2010),
        ("r2", -1013),
        ("r3", -1013),
        ("r4", -1013),
        ("r5", -2010),
        ("r6", -2010),
    ]
    assert "insufficient balance" in door.story.refused[4][2]


@scenario
async def a_client_order_id_that_is_open(door: Door) -> None:
    await door.price("60000")
    await door.ask(place(door, buy("e1", "LIMIT", "0.1", "59000", "GTC")))
    twin = buy("e1", "LIMIT", "0.1", "58000", "GTC")
    await door.ask(place_list(door, "OPO", twin, sell("s1", "STOP_LOSS", None, stop="57000")))
    (refusal,) = door.story.refused
    assert (refusal[1], "uplicate" in refusal[2]) == (-2010, True)


@scenario
async def a_request_of_yesterday(door: Door) -> None:
    await door.price("60000")
    spec = buy("e1")
    await door.ask(PlaceOrder(SYMBOL, "e1", ENTRY, door.now() - 5 * SECOND, spec))
    assert door.story.refused[0][:2] == ("e1", -1021)
    assert not door.story.opened


@scenario
async def a_cancel_of_nothing(door: Door) -> None:
    await door.price("60000")
    await door.ask(CancelOrder(SYMBOL, "c1", EXIT, door.now(), "e1"))
    assert door.story.cancels_refused == [("e1", -2011)]


@scenario
async def questions(door: Door) -> None:
    await hold(door)
    await door.ask(place(door, buy("e1", "LIMIT", "0.1", "59000", "GTC")))
    await door.ask(place(door, sell("s1", "STOP_LOSS", "0.05", stop="58000"), PROTECTION))
    for name in ("b1", "e1", "s1", "x9"):
        await door.ask(asking(QueryOrder, door, name))
    await door.ask(asking(ListOpenOrders, door, "q1"), asking(ListFills, door, "q2"))
    await door.ask(asking(ListFills, door, "q2", 1_000_000), asking(QueryAccount, door, "q3"))
    story = door.story
    assert story.absent == ["x9"]
    assert story.reported["b1"] == ("BUY", "MARKET", D("0.1"), None, None, D("0.1"), "FILLED", False)
    assert story.reported["e1"] == ("BUY", "LIMIT", D("0.1"), D(59000), None, D(0), "NEW", False)
    assert story.reported["s1"] == ("SELL", "STOP_LOSS", D("0.05"), None, D(58000), D(0), "NEW", False)
    assert story.open_orders == [("e1", "s1")]
    assert [[name for name, _ in each] for each in story.listed] == [["b1"], []]


@scenario
async def a_lowered_quantity(door: Door) -> None:
    await door.price("60000")
    await door.ask(place(door, buy("e1", "LIMIT", "0.1", "59000", "GTC")))
    await door.ask(AmendOrder(SYMBOL, "a1", EXIT, door.now(), "e1", D("0.04")))
    assert door.story.reported["e1"][2] == D("0.04")
    assert door.story.balances["USDT"].locked == D(2360)
    await door.ask(AmendOrder(SYMBOL, "a2", EXIT, door.now(), "e1", D("0.2")))
    assert door.story.refused[0][1] == -2038


@scenario
async def a_halt(door: Door) -> None:
    await door.price("60000")
    await door.set_status("HALT")
    await door.ask(place(door, buy("e1")))
    assert "Market is closed." in door.story.refused[0][2]
    await door.set_status("TRADING")
    await door.ask(place(door, buy("e2")))
    assert [fill[0] for fill in door.story.executed.values()] == ["e2"]


@scenario
async def many_at_once_in_their_order(door: Door) -> None:
    await door.price("60000")
    await door.ask(*(place(door, buy(f"b{number}", quantity="0.001")) for number in range(20)))
    assert [fill[0] for _, fill in sorted(door.story.executed.items())] == [f"b{number}" for number in range(20)]


def named(play: Scenario) -> str:
    return getattr(play, "__name__", "?")


@pytest.mark.parametrize("play", SCENARIOS, ids=named)
def test_in_process_and_over_the_wire_it_is_the_same_exchange(play: Scenario) -> None:
    async def both() -> tuple[dict[str, Any], dict[str, Any]]:
        async with asyncio.timeout(30):
            async with in_process() as called:
                await play(called)
            async with on_the_wire() as asked:
                await play(asked)
            return called.story.facts(), asked.story.facts()

    called, asked = asyncio.run(both())
    assert asked == called
    assert called["unknown"] == []


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
def test_with_every_kind_of_key(kind: str) -> None:
    async def play() -> None:
        key = Ed25519PrivateKey.generate() if kind == "ed25519" else generate_private_key(65537, 2048)
        async with asyncio.timeout(30), on_the_wire(key) as door:
            await an_entry_with_its_protection(door)

    asyncio.run(play())
