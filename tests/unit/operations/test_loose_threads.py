"""A call that blocks keeps neither its loop nor its process from ending."""

import asyncio
import subprocess
import sys
import threading

import pytest

from roottrading.operations.loose_threads import LooseThreads

BLOCKED = """
import asyncio, time
from roottrading.operations.loose_threads import LooseThreads

async def main():
    asyncio.get_running_loop().set_default_executor(LooseThreads())
    blocked = asyncio.create_task(asyncio.to_thread(time.sleep, 3600))
    await asyncio.sleep(0.05)
    blocked.cancel()
    await asyncio.wait([blocked])

asyncio.run(main())
print("ended")
"""


def test_answers_and_errors_come_back() -> None:
    async def main() -> tuple[str, str]:
        asyncio.get_running_loop().set_default_executor(LooseThreads())
        with pytest.raises(ZeroDivisionError):
            await asyncio.to_thread(lambda: 1 // 0)
        return await asyncio.to_thread("{0}-{other}".format, "one", other="two"), threading.current_thread().name

    assert asyncio.run(main()) == ("one-two", "MainThread")


def test_calls_do_not_wait_for_each_other() -> None:
    async def main() -> None:
        asyncio.get_running_loop().set_default_executor(LooseThreads())
        met = threading.Barrier(20)
        await asyncio.gather(*[asyncio.to_thread(met.wait, 30) for _ in range(20)])

    asyncio.run(main())


def test_a_process_ends_without_what_blocks() -> None:
    done = subprocess.run([sys.executable, "-c", BLOCKED], capture_output=True, text=True, timeout=60, check=True)
    assert (done.stdout, done.stderr) == ("ended\n", "")
