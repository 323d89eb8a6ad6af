"""Processes that end each in its turn."""

import asyncio
from pathlib import Path

from roottrading.operations.supervisor import Command, Supervisor

SCRIPT = (
    "trap 'sleep {slow}; echo {name} >> {file}; echo {name} says farewell; exit 0' TERM; "
    "echo {name} is up; while :; do sleep 0.02; done"
)


def test_those_of_a_later_turn_are_ended_when_the_earlier_ones_have_ended(tmp_path: Path) -> None:
    file = tmp_path / "ended.txt"
    said: list[str] = []

    def command(name: str, slow: float, turn: int) -> Command:
        return Command(name, ("sh", "-c", SCRIPT.format(slow=slow, name=name, file=file)), turn)

    async def main() -> None:
        commands = [command("last", 0, 2), command("first", 0.3, 0), command("second", 0.1, 1)]
        supervisor = Supervisor(commands, {"PATH": "/usr/bin:/bin"}, said.append)
        running = asyncio.create_task(supervisor.run())
        async with asyncio.timeout(20):
            while sum(line.endswith(" is up") for line in said) < len(commands):
                await asyncio.sleep(0.01)
            supervisor.stop.set()
            await running

    asyncio.run(main())
    assert file.read_text().split() == ["first", "second", "last"]
    assert [line for line in said if "farewell" in line] == [
        f"{name} says farewell" for name in ("first", "second", "last")
    ]
