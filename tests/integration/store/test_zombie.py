"""An owner that is stopped and wakes beside its heir: nothing of it counts, and the heir did not wait for it."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

from roottrading.adapters.store.postgres.database import Database
from roottrading.adapters.store.postgres.unit import PostgresUnits
from tests.integration.store.samples import SETTINGS, STREAM, TRADER, step

OWNER = """
import asyncio, sys
from roottrading.adapters.store.port import Fenced
from roottrading.adapters.store.postgres.database import Database
from roottrading.adapters.store.postgres.unit import PostgresUnits
from tests.integration.store.samples import SETTINGS, TRADER, step

async def main():
    async with await Database.open(sys.argv[1], SETTINGS) as database:
        unit = PostgresUnits(database, TRADER).unit("trader/0")
        number = (await unit.load()).outbox_number
        try:
            while True:
                await unit.commit(step(number + 1))
                number += 1
                print(number, flush=True)
        except Fenced:
            print("fenced", flush=True)

asyncio.run(main())
"""
ROOT = Path(__file__).parents[3]
TURNS = 6  # stopped wherever it happens to be: between two steps, within one, or in its load


def test_a_stopped_owner_is_refused_when_it_wakes(store_url: str) -> None:
    async def heir(first: int) -> int:
        async with await Database.open(store_url, SETTINGS) as database:
            unit = PostgresUnits(database, TRADER).unit("trader/0")
            loaded = await asyncio.wait_for(unit.load(), 5)
            assert loaded.outbox_number >= first
            assert [entry.number for entry in loaded.outbox] == list(range(1, loaded.outbox_number + 1))
            for number in range(loaded.outbox_number + 1, loaded.outbox_number + 4):
                await unit.commit(step(number))
            return loaded.outbox_number + 3

    async def kept() -> tuple[int, dict[str, int]]:
        async with await Database.open(store_url, SETTINGS) as database:
            loaded = await PostgresUnits(database, TRADER).unit("trader/0").load()
            return loaded.outbox_number, dict(loaded.units["trader/0"].sent)

    stands = 0
    for turn in range(TURNS):
        command = [sys.executable, "-c", OWNER, store_url]
        owner = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        try:
            assert owner.stdout is not None
            said = [owner.stdout.readline() for _ in range(turn)]  # the first is stopped before its first word
            os.kill(owner.pid, signal.SIGSTOP)
            stands = asyncio.run(heir(int(said[-1]) if said else stands))
            os.kill(owner.pid, signal.SIGCONT)
            if said:
                rest = owner.stdout.read().split()
                assert rest[-1] == "fenced"
                assert all(int(number) <= stands - 3 for number in rest[:-1])
                assert asyncio.run(kept()) == (stands, {STREAM: stands})
        finally:
            owner.kill()
            owner.wait()
            if owner.stdout is not None:
                owner.stdout.close()
        stands = asyncio.run(kept())[0]
