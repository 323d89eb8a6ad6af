"""Who leads: one at a time, another as soon as it is gone, and it is told when it no longer does."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from roottrading.adapters.store.postgres.leadership import Leadership
from roottrading.adapters.store.postgres.settings import PostgresSettings

PATIENT = PostgresSettings(leader_silence=60_000_000)  # for tests in which nobody is silent
BRISK = PostgresSettings(leader_silence=1_000_000)

LEADING = """
import asyncio, sys
from roottrading.adapters.store.postgres.leadership import Leadership
from roottrading.adapters.store.postgres.settings import PostgresSettings

async def main():
    lead = Leadership(sys.argv[1], PostgresSettings(leader_silence=int(sys.argv[2])), "coordinator")
    await lead.acquire()
    print("leading", flush=True)
    await lead.lost.wait()
    print("lost", flush=True)

asyncio.run(main())
"""


@contextmanager
def leading_process(url: str, settings: PostgresSettings) -> Iterator[subprocess.Popen[str]]:
    """Run a process that leads, and yield it as soon as it does."""
    command = [sys.executable, "-c", LEADING, url, str(settings.leader_silence)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "leading\n"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()  # type: ignore[union-attr]


def test_the_second_leads_when_the_first_lets_go(postgres_url: str) -> None:
    async def main() -> None:
        first, second, other = (Leadership(postgres_url, PATIENT, name) for name in ("coordinator", "coordinator", "x"))
        assert first.lost.is_set()
        await first.acquire()
        await other.acquire()  # of another service: no matter
        assert not first.lost.is_set()
        waiting = asyncio.create_task(second.acquire())
        await asyncio.sleep(0.2)
        assert not waiting.done()
        await first.release()
        await asyncio.wait_for(waiting, 5)
        assert (first.lost.is_set(), second.lost.is_set()) == (True, False)
        for each in (second, other):
            await each.release()

    asyncio.run(main())


def test_a_killed_leader_is_followed_at_once(postgres_url: str) -> None:
    """Long before its silence would have been noticed."""

    async def main() -> None:
        with leading_process(postgres_url, PATIENT) as leader:
            successor = Leadership(postgres_url, PATIENT, "coordinator")
            waiting = asyncio.create_task(successor.acquire())
            await asyncio.sleep(0.2)
            assert not waiting.done()
            os.kill(leader.pid, signal.SIGKILL)
            await asyncio.wait_for(waiting, 10)
            await successor.release()

    asyncio.run(main())


def test_a_stopped_leader_is_followed_and_told_when_it_wakes(postgres_url: str) -> None:
    async def main() -> None:
        with leading_process(postgres_url, BRISK) as leader:
            successor = Leadership(postgres_url, BRISK, "coordinator")
            waiting = asyncio.create_task(successor.acquire())
            await asyncio.sleep(0.2)
            os.kill(leader.pid, signal.SIGSTOP)
            begun = time.monotonic()
            await asyncio.wait_for(waiting, 20)
            assert time.monotonic() - begun > 0.5  # not before its silence was one
            os.kill(leader.pid, signal.SIGCONT)
            assert leader.stdout is not None
            assert await asyncio.to_thread(leader.stdout.readline) == "lost\n"
            assert not successor.lost.is_set()
            await successor.release()

    asyncio.run(main())


def test_beats_keep_the_lead_and_the_end_of_the_session_ends_it(postgres_url: str) -> None:
    async def main() -> None:
        lead = Leadership(postgres_url, PostgresSettings(leader_silence=2_000_000), "coordinator")
        await lead.acquire()
        await asyncio.sleep(3)  # longer than the silence that ends it
        assert not lead.lost.is_set()
        connection = await asyncpg.connect(postgres_url)
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid <> pg_backend_pid()"
        )
        await connection.close()
        await asyncio.wait_for(lead.lost.wait(), 5)
        await lead.acquire()  # free again
        assert not lead.lost.is_set()
        await lead.release()

    asyncio.run(main())


def test_who_waits_is_not_silent(postgres_url: str) -> None:
    async def main() -> None:
        quick = PostgresSettings(leader_silence=500_000)
        first, second = (Leadership(postgres_url, each, "coordinator") for each in (PATIENT, quick))
        await first.acquire()
        waiting = asyncio.create_task(second.acquire())
        await asyncio.sleep(1)
        await first.release()
        await asyncio.wait_for(waiting, 5)
        await second.release()

    asyncio.run(main())


def test_who_was_held_up_for_too_long_ends_in_order(store_url: str) -> None:
    async def main() -> None:
        for _ in range(3):  # word of the end, the end itself and the next beat come in any order
            lead = Leadership(store_url, BRISK, "coordinator")
            await lead.acquire()
            time.sleep(1.5)  # the loop is held up: that is what is tried
            async with asyncio.timeout(10):
                await lead.lost.wait()
            await lead.release()

    asyncio.run(main())
