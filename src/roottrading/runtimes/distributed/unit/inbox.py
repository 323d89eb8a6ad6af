"""What waits for a unit, in the order in which it came; what only says how far things are waits there once."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import takewhile
from typing import Final

from msgspec import Struct

from roottrading.adapters.bus.port import Partition
from roottrading.adapters.store.port import QuarantineAnswered
from roottrading.domain.time import Time
from roottrading.messages.service import Input, Row

_TIME: Final = ("", "", False)  # the mark of deadlines, beside those of heads


class DeadlinesDue(Struct, frozen=True):
    """Time has come to `until`: deliver every deadline up to it."""

    until: Time


class HeadHeard(Struct, frozen=True):
    """A stream stands at `last`, says its source: what the unit lacks is fetched. None: whatever there is."""

    source: str
    stream: str
    last: int | None = None


Givable = Input | DeadlinesDue | HeadHeard | QuarantineAnswered


class Given(Struct, frozen=True):
    """Something for the unit, or None; once it is committed, `places` are where to read on, and `rows` are kept.

    `command` is the number of a person's command that was taken with it.
    """

    given: Givable | None
    places: Mapping[Partition, int] = {}
    rows: tuple[Row, ...] = ()
    command: int | None = None


Question = Callable[[], Awaitable[None]]


class Inbox:
    """First in, first out, a person's commands before all else.

    Who gives decides how much may wait: nothing is refused here.
    """

    def __init__(self, first: Given) -> None:
        self._commands = [first]
        self._questions: list[Question] = []
        self._waiting: list[Given] = []
        self._once: set[tuple[str, str, bool]] = set()
        self._waiter: asyncio.Future[bool] | None = None

    def __len__(self) -> int:
        return len(self._commands) + len(self._questions) + len(self._waiting)

    def obey(self, command: Given) -> None:
        """Put a person's command behind those that wait, and before all else."""
        self._commands.append(command)
        self.wake()

    def ask(self, question: Question) -> None:
        """Have something asked when nothing is being decided; what it leaves among the commands is decided next."""
        self._questions.append(question)
        self.wake()

    def question(self) -> Question | None:
        """Take out the question whose turn it is: commands that wait go first."""
        return self._questions.pop(0) if self._questions and not self._commands else None

    def give(self, given: Sequence[Given]) -> None:
        """Put something behind all that waits."""
        if given:
            self._waiting.extend(given)
            self.wake()

    def give_once(self, given: HeadHeard | DeadlinesDue) -> None:
        """Put it behind all that waits, unless another of its kind does: whoever says it says it again."""
        mark = _mark(given)
        if mark not in self._once:
            self._once.add(mark)
            self.give([Given(given)])

    def take(self, most: int) -> list[Given]:
        """Take out what came first."""
        batch, self._commands = self._commands[:most], self._commands[most:]
        if more := most - len(batch):
            batch += self._waiting[:more]
            del self._waiting[:more]
        if self._once:
            self._once.difference_update(
                _mark(each.given) for each in batch if isinstance(each.given, HeadHeard | DeadlinesDue)
            )
        return batch

    def put_back(self, given: Sequence[Given]) -> None:
        """Put what was taken out in front again."""
        commands = list(takewhile(lambda each: each.command is not None, given))
        self._commands[:0] = commands
        self._waiting[:0] = given[len(commands) :]

    def wake(self) -> None:
        """Have whoever waits here look at something else."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(True)

    async def wait(self, seconds: float | None) -> bool:
        """Wait for something, or to be woken, so many seconds at most; say whether that came."""
        if len(self):
            return True
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[bool] = loop.create_future()
        self._waiter = waiter
        timer = None if seconds is None else loop.call_later(seconds, _give_up, waiter)
        try:
            return await waiter
        finally:
            if timer is not None:
                timer.cancel()


def _give_up(waiter: "asyncio.Future[bool]") -> None:
    if not waiter.done():
        waiter.set_result(False)


def _mark(given: HeadHeard | DeadlinesDue) -> tuple[str, str, bool]:
    return _TIME if isinstance(given, DeadlinesDue) else (given.source, given.stream, given.last is None)
