"""A person's commands as services hear them: each unit takes them once, in order, before any entry leaves (7.4)."""

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Protocol

from roottrading.adapters.store.port import Control
from roottrading.messages.service import ControlChanged
from roottrading.pipeline import Role
from roottrading.runtimes.distributed.actor import Actor, Given


class Commands(Protocol):
    """Where people leave their commands."""

    async def poll(self, after: int) -> Sequence[Control]:
        """Return those above a number, in order."""

    def woken(self) -> AsyncIterator[None]:
        """Yield at once, and whenever there may be another."""


def hears_commands(role: Role) -> bool:
    """Say whether a service takes commands."""
    return ControlChanged in role.inputs


async def give_commands(commands: Commands, actors: Iterable[Actor]) -> None:
    """Hand every unit the commands that it has not taken."""
    for actor in actors:
        for command in await commands.poll(actor.commanded):
            actor.commanded = command.number
            given = command if isinstance(command, ControlChanged) else None
            actor.give([Given(given, command=command.number)])


async def keep_commanding(commands: Commands, actors: Sequence[Actor]) -> None:
    """Hand commands in as they come, until cancelled."""
    async for _ in commands.woken():
        await give_commands(commands, actors)
