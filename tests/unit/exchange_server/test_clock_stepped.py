"""The stepped clock: requests wait for rest and go in canonical order; time moves when there are none, or by hand."""

import asyncio
from collections.abc import Mapping

import pytest

from roottrading.domain.time import MINUTE, Time
from roottrading.exchange_server.clock_proof import Awaited, Report
from roottrading.exchange_server.clock_stepped import SteppedClock
from roottrading.exchange_server.clock_steps import Move


class Market:
    """Two instants, a minute apart."""

    def __init__(self) -> None:
        self.instants = [MINUTE, 2 * MINUTE]
        self.moves: list[Move] = []

    def next_instant(self) -> Time | None:
        return self.instants[0] if self.instants else None

    def move(self, move: Move) -> None:
        self.moves.append(move)
        if move.phase == "fills":
            self.instants.pop(0)


class Idler:
    """A process with nothing to do but to answer."""

    def __init__(self, clock: SteppedClock, name: str) -> None:
        self.clock = clock
        self.name = name
        self.awaiting: tuple[Awaited, ...] = ()
        self.deadline: Time | None = None
        self.waves: list[int] = []
        self.heard: list[Move] = []
        self.ended = False

    def ask(self, wave: int) -> None:
        self.waves.append(wave)

    def moved(self, move: Move) -> None:
        self.heard.append(move)
        if move.phase == "deadlines":
            self.deadline = None

    def finished(self) -> None:
        self.ended = True

    def answer(self, frames: Mapping[str, int] | None = None) -> None:
        report = Report(self.waves[-1], awaiting=self.awaiting, frames=frames or {}, next_deadline=self.deadline)
        self.clock.report(self.name, report)


def test_time_moves_after_two_waves_and_phase_by_phase() -> None:
    market = Market()
    clock = SteppedClock(market, 0, {"trader": 1, "gateway": 1}, dict)
    trader, gateway = Idler(clock, "t"), Idler(clock, "g")
    clock.join("t", "trader", trader)
    assert trader.waves == []  # the gateway is not here yet
    clock.join("g", "gateway", gateway)
    trader.deadline = 90 * 10**6
    told = []
    for _ in range(20):
        if trader.ended:
            break
        before = len(market.moves)
        for process in (gateway, trader):
            process.answer()
        told.append(len(market.moves) - before)
    assert [(move.at // 10**6, move.phase) for move in market.moves] == [
        (60, "fills"),
        (60, "candles"),
        (90, "deadlines"),
        (120, "fills"),
        (120, "candles"),
    ]
    assert told[:4] == [0, 1, 0, 1]  # never after one wave
    assert trader.heard == gateway.heard == market.moves
    assert clock.done
    assert clock.now() == 2 * MINUTE
    clock.leave("t")
    again = Idler(clock, "t2")
    clock.join("t2", "trader", again)  # it died at the end, and comes again
    assert again.ended


def test_held_requests_go_in_canonical_order_before_time_moves() -> None:
    async def run() -> None:
        market = Market()
        clock = SteppedClock(market, 0, {"trader": 1}, dict)
        trader = Idler(clock, "t")
        clock.join("t", "trader", trader)
        done: list[str] = []

        async def request(symbol: str, name: str) -> None:
            await clock.turn(symbol, name)
            done.append(name)

        trader.awaiting = ((2, "A", "entry"), (1, "B", "exit"), (0, "B", "stop"), (0, "A", "stop2"))
        tasks = [asyncio.create_task(request(symbol, name)) for _, symbol, name in trader.awaiting[:3]]
        await asyncio.sleep(0)
        for _ in range(4):  # one of the requests is still on its way
            trader.answer()
        assert (done, market.moves) == ([], [])
        tasks.append(asyncio.create_task(request("A", "stop2")))
        await asyncio.sleep(0)
        trader.answer()
        trader.answer()
        await asyncio.gather(*tasks)
        assert done == ["stop2", "stop", "exit", "entry"]
        assert market.moves == []
        trader.awaiting = ()
        trader.answer()
        trader.answer()
        assert len(market.moves) == 1

    asyncio.run(run())


def test_a_request_that_is_given_up_is_held_no_longer() -> None:
    async def run() -> None:
        clock = SteppedClock(Market(), 0, {"trader": 1}, dict)
        task = asyncio.create_task(clock.turn("A", "x"))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        trader = Idler(clock, "t")
        clock.join("t", "trader", trader)
        trader.answer()
        trader.answer()
        assert clock.moves == 1

    asyncio.run(run())


def test_unread_frames_hold_time() -> None:
    market = Market()
    clock = SteppedClock(market, 0, {"trader": 1}, lambda: {"peer": 2, "somebody else": 9})
    trader = Idler(clock, "t")
    clock.join("t", "trader", trader)
    for _ in range(3):
        trader.answer({"peer": 1})
    assert market.moves == []
    trader.answer({"peer": 2})
    trader.answer({"peer": 2})
    assert len(market.moves) == 1


def test_time_stands_while_a_process_is_gone() -> None:
    market = Market()
    clock = SteppedClock(market, 0, {"trader": 1}, dict)
    trader = Idler(clock, "t")
    clock.join("t", "trader", trader)
    trader.answer()
    clock.leave("t")
    trader.answer()
    assert market.moves == []
    heir = Idler(clock, "heir")
    clock.join("heir", "trader", heir)
    heir.answer()
    assert market.moves == []
    heir.answer()
    assert len(market.moves) == 1


def test_by_hand_time_moves_by_count_or_up_to_an_instant_and_nobody_waits() -> None:
    market = Market()
    clock = SteppedClock(market, 0, {}, dict)
    asyncio.run(asyncio.wait_for(clock.turn("A", "x"), 5))
    assert clock.step() == 1
    assert clock.now() == MINUTE
    assert clock.step(until=MINUTE) == 1
    assert clock.step(until=2 * MINUTE - 1) == 0
    assert clock.step(10) == 2
    assert clock.step() == 0
    assert [move.phase for move in market.moves] == ["fills", "candles"] * 2


def test_by_hand_only_where_nobody_is_expected() -> None:
    clock = SteppedClock(Market(), 0, {"trader": 1}, dict)
    with pytest.raises(ValueError, match="time moves when they rest"):
        clock.step()
