"""One unit of the coordinator's place with a service that raises where it is told to, through all its incarnations."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from roottrading.adapters.bus.memory import MemoryLog, MemoryPubSub
from roottrading.adapters.store.port import Control, Loaded, QuarantineAnswered, UnitStore
from roottrading.domain.money import ZERO
from roottrading.messages.channels import PORTFOLIO_UPDATES, TRADE_EVENTS
from roottrading.messages.envelope import Envelope, Message
from roottrading.messages.events import AlertRaised, PortfolioUpdated
from roottrading.messages.exchange import InstrumentChanged
from roottrading.messages.service import (
    NOTHING,
    ControlChanged,
    DeadlineDue,
    Decision,
    Input,
    InstantComplete,
    Row,
    Table,
)
from roottrading.messages.signals import AggregatedSignal
from roottrading.runtimes.distributed.carrying import Carriers
from roottrading.runtimes.distributed.commands.commanding import Commands, give_commands, keep_commanding
from roottrading.runtimes.distributed.served import Served
from roottrading.runtimes.distributed.serving import Serving
from roottrading.runtimes.distributed.sharding import ROLE, partition_of
from roottrading.runtimes.distributed.unit.actor import Actor
from roottrading.runtimes.distributed.unit.inbox import Given
from roottrading.runtimes.distributed.unit.quarantine import SetAside
from roottrading.runtimes.distributed.unit.quarantined import QUARANTINE, Quarantined
from roottrading.runtimes.distributed.unit.ways import Ways
from roottrading.runtimes.distributed.verdict_barrier import COMPLETED, VerdictBarrier
from roottrading.runtimes.recording import ALERTS
from roottrading.runtimes.step import Unit
from roottrading.runtimes.together import first_of

UNIT: Final = "coordinator/0"


class Told(Struct, frozen=True):
    """What was said of a symbol, in order."""

    symbol: str
    texts: tuple[str, ...]


TOLD: Final = Table("told", ("symbol",), Told, "state")
TABLES: Final = (TOLD, QUARANTINE, ALERTS, COMPLETED)
_REMIND: Final = "remind me of "


class Listener:
    """Notes all that it is told; raises on texts that it cannot bear, and its memory is then wrong."""

    def __init__(self, unbearable: set[str]) -> None:
        self.told: dict[str, Told] = {}
        self.unbearable = unbearable

    def restore(self, rows: Iterable[Row]) -> None:
        for row in rows:
            self.told[row.values.symbol] = row.values

    def decide(self, given: Input, now: int) -> Decision:
        said = said_in(given)
        if said is None:
            return NOTHING
        symbol, text = said
        told = self.told.get(symbol, Told(symbol, ()))
        self.told[symbol] = replace(told, texts=(*told.texts, text))
        if text in self.unbearable:
            raise ValueError(f"{text} makes no sense")
        wished = text.removeprefix(_REMIND).partition(" at ")
        deadlines = ((wished[0], int(wished[2])),) if text.startswith(_REMIND) else ()
        return Decision(deadlines=deadlines, rows=(Row(TOLD.name, (symbol,), self.told[symbol]),))


def said_in(given: Input) -> tuple[str, str] | None:
    if isinstance(given, Envelope):
        body = given.body
        if isinstance(body, AggregatedSignal):
            return body.symbol, f"verdict {body.at}"
        assert isinstance(body, AlertRaised | PortfolioUpdated)
        return (body.symbol, body.text) if isinstance(body, AlertRaised) else ("account", body.discrepancies[0])
    if isinstance(given, InstrumentChanged):
        return given.symbol, f"exchange: {given.status}"
    if isinstance(given, DeadlineDue):
        return "time", f"due: {given.key}"
    if isinstance(given, InstantComplete):
        return "time", f"end of {given.at}"
    if isinstance(given, ControlChanged):
        return "person", f"{given.action} {given.symbol}"
    return None


class PostedHere:
    """Commands in memory."""

    def __init__(self) -> None:
        self.posted: list[Control] = []
        self._woken = asyncio.Event()

    async def poll(self, after: int) -> Sequence[Control]:
        return self.posted[after:]

    async def post(self, control: Control) -> int:
        self.posted.append(replace(control, number=len(self.posted) + 1))
        self._woken.set()
        return len(self.posted)

    async def woken(self) -> AsyncGenerator[None, None]:
        while True:
            self._woken.clear()
            yield
            await self._woken.wait()


class Bench:
    """What speaks to the unit, and what became of it."""

    def __init__(
        self, unit: Callable[[str], UnitStore], commands: Commands, barrier: Callable[[], VerdictBarrier] | None = None
    ) -> None:
        """`barrier` makes one for each incarnation: instants are complete when it says so."""
        self.unit = unit
        self._barrier = barrier
        self.clock = 1
        self.commands = commands
        self.log = MemoryLog(partition_of)
        self.unbearable: set[str] = set()
        self.said: dict[str, list[Envelope]] = {}
        self.loads = 0
        self.actor: Actor | None = None
        self.listener = Listener(self.unbearable)

    async def say(self, symbol: str, *texts: str) -> None:
        """Publish on the symbol's stream; "account" is what is said of all."""
        channel = PORTFOLIO_UPDATES if symbol == "account" else TRADE_EVENTS
        stream = f"{channel}/{symbol}"
        said = self.said.setdefault(stream, [])
        for text in texts:
            number = len(said) + 1
            body: Message = AlertRaised("info", "said", text, symbol, number)
            if symbol == "account":
                body = PortfolioUpdated(number, (), ZERO, ZERO, ZERO, ZERO, ZERO, (text,))
            said.append(Envelope("trader", stream, number, number - 1, number, "cause", body))
            await self.log.publish([(channel, said[-1])])

    def hear(self, symbol: str, status: str) -> None:
        """Have the exchange say something."""
        assert self.actor is not None
        self.actor.give([Given(InstrumentChanged(symbol, "", 1, status))])

    async def answer(self, row: Quarantined, action: Literal["retry", "resolve"]) -> None:
        answered = QuarantineAnswered(0, UNIT, row.source, row.stream, row.sequence, action, "me", "")
        await self.commands.post(answered)
        await self.rest()

    async def rest(self) -> None:
        """Wait until all that was said and posted is decided or kept, and nothing's turn has come."""
        async with asyncio.timeout(20):
            while not await self._rests():
                await asyncio.sleep(0.002)

    async def until(self, so: Callable[[], bool]) -> None:
        """Wait until it is so, and everything rests."""
        async with asyncio.timeout(20):
            while not so():
                await asyncio.sleep(0.002)
        await self.rest()

    def told(self, symbol: str) -> tuple[str, ...]:
        told = self.listener.told.get(symbol)
        return () if told is None else told.texts

    @asynccontextmanager
    async def living(self) -> AsyncIterator[None]:
        """Let incarnations follow each other meanwhile."""
        living = asyncio.create_task(self._live())
        try:
            await self.rest()
            yield
        finally:
            living.cancel()
            await asyncio.wait([living])
            if not living.cancelled():
                living.result()

    async def die(self) -> None:
        """End the incarnation, as a lost connection does."""
        assert self.actor is not None
        self.actor.give([Given(None)])
        self._dying.set()
        before = self.loads
        while self.loads == before:
            await asyncio.sleep(0.001)

    # ---- inside

    async def _live(self) -> None:
        while True:
            self._dying = asyncio.Event()
            store = self.unit(UNIT)
            loaded = await store.load()
            actor = self._load(store, loaded)
            barrier = None if self._barrier is None else self._barrier()
            if barrier is not None:
                barrier.restore(loaded.rows[COMPLETED.name])
            carriers = Carriers(MemoryPubSub(), self.log)
            serving = Serving(ROLE["coordinator"], carriers, lambda: self.clock, barrier)
            serving.take([Served(actor, loaded.offsets, ())])
            await give_commands(self.commands, (actor,))
            self.actor = actor
            self.loads += 1
            try:
                await first_of(serving.run(), keep_commanding(self.commands, (actor,)), self._end())
            except (SetAside, ConnectionError):
                self.actor = None

    async def _end(self) -> None:
        await self._dying.wait()
        raise ConnectionError

    def _load(self, store: UnitStore, loaded: Loaded) -> Actor:
        self.listener = Listener(self.unbearable)
        self.listener.restore(loaded.rows[TOLD.name])
        unit = Unit("coordinator", 0, self.listener, loaded.fence)
        if place := loaded.units.get(UNIT):
            unit = Unit("coordinator", 0, self.listener, loaded.fence, dict(place.seen), dict(place.sent))
        ways = Ways(
            self._publish,
            self._refetch,
            lambda: self.clock,
            lambda requests: None,
            lambda envelope: (),
            post=self.commands.post,
        )
        return Actor(unit, store, loaded, ways)

    async def _publish(self, sent: Sequence[tuple[str, Envelope]]) -> None:
        raise AssertionError("it says nothing")

    async def _refetch(self, source: str, stream: str, after: int, upto: int) -> Sequence[Envelope]:
        return [said for said in self.said[stream] if after < said.sequence <= upto]

    async def _rests(self) -> bool:
        actor = self.actor
        if actor is None:
            return False
        heard = all(actor.seen.get(("trader", stream), 0) == len(said) for stream, said in self.said.items())
        due = actor.deadlines.next()
        if due is not None and due <= self.clock:
            return False
        waits = actor.quarantine.released() is not None or await self.commands.poll(actor.commanded)
        return heard and not waits and actor.is_idle and self.actor is actor
