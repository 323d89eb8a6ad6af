"""How PostgreSQL goes about a commit, whatever it believes to know of the tables."""

import asyncio

import pytest

from roottrading.adapters.store.postgres.database import Database
from roottrading.adapters.store.postgres.statements import DEADLINES_GONE, ROWS_GONE, Part, commit_sql
from tests.integration.store.samples import SETTINGS

OWN = ("coordinator", 0, 1, None, None, 0, 0, None, None, False)


@pytest.mark.parametrize("part", [ROWS_GONE, DEADLINES_GONE], ids=lambda part: part.name)
@pytest.mark.parametrize("analyzed", [False, True], ids=["unknown table", "known table"])
def test_what_goes_is_looked_up_key_by_key(store_url: str, part: Part, analyzed: bool) -> None:
    async def main() -> None:
        async with await Database.open(store_url, SETTINGS) as database, database.connection() as connection:
            await connection.execute("INSERT INTO units (service, shard, fence) VALUES ('coordinator', 0, 1)")
            await connection.execute(
                "INSERT INTO unit_rows SELECT 'coordinator', 0, 't', n::text, '1', n FROM generate_series(1, 2000) n"
            )
            await connection.execute(
                "INSERT INTO unit_deadlines SELECT 'coordinator', 0, n::text, now() FROM generate_series(1, 2000) n"
            )
            if analyzed:
                await connection.execute("ANALYZE unit_rows, unit_deadlines")
            keys = [str(number) for number in range(1, 501)]
            columns = [["t"] * len(keys), keys] if part is ROWS_GONE else [keys]
            sql = f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, BUFFERS) {commit_sql([part])}"
            plan = [line for (line,) in await connection.fetch(sql, *OWN, *columns)]
            assert not [line for line in plan if "Rows Removed" in line or "Join" in line or "Nested" in line]
            table = "unit_rows" if part is ROWS_GONE else "unit_deadlines"
            assert await connection.fetchval(f"SELECT count(*) FROM {table}") == 1500
            looked = [line for line in plan if "loops=500" in line]
            assert any("Index" in line for line in looked), "\n".join(plan)

    asyncio.run(main())
