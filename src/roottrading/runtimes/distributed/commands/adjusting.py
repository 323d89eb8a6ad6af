"""Capital and coins where services are apart: one of them judges, and its answer is a command for both (7.1).

Who knows judges a person's request (judges.py). The answer is left among the commands under the judge's fence, once;
coordinator and portfolio take it like any other, so both in the same order, and with it money and coins become the
bot's, or are so no longer. Between a judgement and what follows of it the judge takes nothing else: no entry is given
cash that leaves. Whoever dies in between is asked again at his next start, unless his answer stands.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import aclosing
from typing import Protocol

from msgspec.structs import replace

from roottrading.adapters.store.port import AdjustmentAnswered
from roottrading.domain.time import Time
from roottrading.messages.service import AccountAdjusted
from roottrading.runtimes.distributed.commands.commanding import Commands, give_commands
from roottrading.runtimes.distributed.unit.actor import Actor


class Progress(Protocol):
    """How far units of a service have come, as they committed it."""

    @property
    def said(self) -> Mapping[str, int]:
        """The last sequence by stream."""

    @property
    def taken(self) -> int:
        """The last of a person's commands that all of them have taken."""


class Requests(Commands, Protocol):
    """Where people leave requests, beside their commands."""

    async def unanswered(self) -> Sequence[AccountAdjusted]:
        """Return those that nobody has answered, in order. Raises StoreError."""

    async def progress_of(self, service: str, shards: Collection[int]) -> Progress:
        """Return how far these units have come. Raises StoreError."""


class Judge(Protocol):
    """Who knows whether a request can be met."""

    def judges(self, request: AccountAdjusted) -> bool:
        """Say whether it is his to judge."""

    async def look(self, request: AccountAdjusted) -> str:
        """Learn what there is to know, which may take a while; say why that cannot be, nothing where it can."""

    def problem(self, request: AccountAdjusted) -> str:
        """Say why it cannot be met, by all that is known now; nothing where it can."""


async def keep_answering(requests: Requests, actor: Actor, judge: Judge, now: Callable[[], Time]) -> None:
    """Answer requests in the order in which they were made, each after those before it, until cancelled.

    Raises StoreError.
    """
    async with aclosing(requests.woken()) as woken:
        async for _ in woken:
            while (waiting := await requests.unanswered()) and judge.judges(waiting[0]):
                await _answer(requests, actor, judge, waiting[0], now)


async def _answer(
    requests: Requests, actor: Actor, judge: Judge, request: AccountAdjusted, now: Callable[[], Time]
) -> None:
    unknown = await judge.look(request)
    await give_commands(requests, (actor,))  # what was answered before is done before this is judged
    answered = asyncio.Event()

    async def answer() -> None:
        why = unknown or judge.problem(request)
        adjusted = replace(request, effective_at=now())
        await actor.store.answer(AdjustmentAnswered(0, request.number, adjusted, why))
        await give_commands(requests, (actor,))
        answered.set()

    actor.inbox.ask(answer)
    await answered.wait()
