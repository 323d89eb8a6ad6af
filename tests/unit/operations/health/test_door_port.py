"""A process keeps its door's port through its starts, unless another program took it."""

import asyncio
import os
import signal
import socket
import sys

import pytest

from roottrading.operations.health.door import LOOPBACK, Door, PortTaken, open_door
from roottrading.operations.health.door_port import DoorPort
from roottrading.operations.health.readiness import Health
from roottrading.operations.supervisor import Command, Supervisor
from roottrading.runtimes.distributed.observing import Observed

SERVER = """
import signal, socket, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
door = socket.socket()
door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
door.bind(("127.0.0.1", int(sys.argv[2])))
door.listen()
print("listens on", sys.argv[2], flush=True)
time.sleep(60)
"""


def listening(port: int) -> socket.socket:
    other = socket.socket()
    other.bind((LOOPBACK, port))
    other.listen()
    return other


def test_the_port_stays_until_another_program_has_it() -> None:
    door = DoorPort()
    option, port = door.options()
    assert (option, door.options()) == ("--health-port", (option, port))
    with listening(int(port)):
        _, other = door.options()
        assert other != port
    assert door.options() == (option, other)


def test_a_door_whose_port_is_taken_says_so() -> None:
    async def main(port: int) -> None:
        observed = Observed()
        with pytest.raises(PortTaken, match=f"port {port} of {LOOPBACK} is taken by another program: name another"):
            async with open_door(Door("trader", observed, Health("trader", observed, [])), port):
                pass

    with listening(0) as other:
        asyncio.run(main(other.getsockname()[1]))


def test_a_process_whose_port_was_taken_before_it_began_is_given_another() -> None:
    door, said = DoorPort(), list[str]()
    others: list[socket.socket] = []

    def options() -> tuple[str, str]:
        """Let another program be quicker, the first time."""
        option, port = door.options()
        if not others:
            others.append(listening(int(port)))
        return option, port

    def ports() -> list[str]:
        return [line.split()[-1] for line in said if line.startswith("listens on ")]

    async def main() -> None:
        supervisor = Supervisor([Command("one", (sys.executable, "-c", SERVER), options=options)], {}, said.append)
        running = asyncio.create_task(supervisor.run())
        async with asyncio.timeout(30):
            while len(ports()) < 1:
                await asyncio.sleep(0.01)
            process = supervisor.process_id("one")
            assert process is not None
            os.kill(process, signal.SIGKILL)
            while len(ports()) < 2:
                await asyncio.sleep(0.01)
            supervisor.stop.set()
            await running

    try:
        asyncio.run(main())
        first, after_a_death = ports()
        assert int(first) != others[0].getsockname()[1]
        assert after_a_death == first
    finally:
        for other in others:
            other.close()
