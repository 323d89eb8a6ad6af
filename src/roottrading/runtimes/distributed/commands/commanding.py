"""A person's commands as services hear them: each unit takes them once, in order, before any entry leaves (7.4)."""

import logging
from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import aclosing
from typing import Final, Protocol

from msgspec.structs import replace

from roottrading.adapters.store.port import AdjustmentAnswered, Control, QuarantineAnswered
from roottrading.messages.service import AccountAdjusted, ControlChanged
from roottrading.pipeline import Role
from roottrading.runtimes.controlling import refusal
from roottrading.runtimes.distributed.sharding import ROLE, unit_name
from roottrading.runtimes.distributed.unit.actor import Actor
from roottrading.runtimes.distributed.unit.inbox import Given
from roottrading.runtimes.step import Unit

_SPEAKER: Final = "coordinator"  # says what was refused
_LOG: Final = logging.getLogger(__name__)


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
                actor.inbox.obey(_heard(command, actor.unit))


async def keep_commanding(commands: Commands, actors: Collection[Actor]) -> None:
    """Hand commands in as they come, until cancelled."""
    async with aclosing(commands.woken()) as woken:
        async for _ in woken:
            await give_commands(commands, actors)


def _heard(command: Control, unit: Unit) -> Given:
    """Return what a unit takes of a command; of most only that it was there."""
    role, number = ROLE[unit.role], command.number
    if isinstance(command, ControlChanged) and hears_commands(role):
        return Given(command, command=number)
    if isinstance(command, QuarantineAnswered) and command.unit == unit_name(unit.role, unit.shard):
        return Given(command, command=number)
    if isinstance(command, AdjustmentAnswered) and AccountAdjusted in role.inputs:
        return _answered(command, unit.role)
    return Given(None, command=number)


def _answered(command: AdjustmentAnswered, role: str) -> Given:
    """Return a request that was answered: taken under the answer's number, which says its place, or refused."""
    if not command.refused:
        return Given(replace(command.adjusted, number=command.number), command=command.number)
    if role != _SPEAKER:
        return Given(None, command=command.number)
    _LOG.warning("command %d: %s", command.request, command.refused)
    return Given(None, rows=(refusal(command.adjusted, command.refused),), command=command.number)
