"""A person's commands as services hear them: each unit takes them once, in order, before any entry leaves (7.4)."""

from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import aclosing
from typing import Protocol

from roottrading.adapters.store.port import Control, QuarantineAnswered
from roottrading.messages.service import ControlChanged
from roottrading.pipeline import Role
from roottrading.runtimes.distributed.actor import Actor
from roottrading.runtimes.distributed.inbox import Given
from roottrading.runtimes.distributed.sharding import ROLE, unit_name
from roottrading.runtimes.step import Unit


class Commands(Protocol):
    """Where people leave their commands."""

    async def poll(self, after: int) -> Sequence[Control]:
        """Return those above a number, in order."""

    async def post(self, control: Control) -> int:
        """Leave one, in whatever trading state there is; returns its number."""

    def woken(self) -> AsyncGenerator[None, None]:
        """Yield at once, and whenever there may be another."""


def hears_commands(role: Role) -> bool:
    """Say whether a service takes commands of trading; answers to its quarantine every service takes."""
    return ControlChanged in role.inputs


async def give_commands(commands: Commands, actors: Collection[Actor]) -> None:
    """Hand every unit the commands that it has not taken."""
    if not actors:
        return
    for command in await commands.poll(min(actor.commanded for actor in actors)):
        for actor in actors:
            if command.number > actor.commanded:
                actor.commanded = command.number
                actor.give([Given(_heard(command, actor.unit), command=command.number)])


async def keep_commanding(commands: Commands, actors: Collection[Actor]) -> None:
    """Hand commands in as they come, until cancelled."""
    async with aclosing(commands.woken()) as woken:
        async for _ in woken:
            await give_commands(commands, actors)


def _heard(command: Control, unit: Unit) -> ControlChanged | QuarantineAnswered | None:
    if isinstance(command, ControlChanged):
        return command if hears_commands(ROLE[unit.role]) else None
    if isinstance(command, QuarantineAnswered) and command.unit == unit_name(unit.role, unit.shard):
        return command
    return None
