"""`roottrading redis`: what Redis shows, and all of it written anew from PostgreSQL."""

import asyncio
import os
from typing import TYPE_CHECKING, TypeVar

import typer

from roottrading.cli.errors import CommandError
from roottrading.cli.options import ConfigFile, Set, load_settings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from roottrading.adapters.bus.redis_state import RedisState
    from roottrading.adapters.store.postgres.database import Database
    from roottrading.runtimes.distributed.redis_view.redis_rebuild import CandlesSeen, KeySeen, Rebuilt

T = TypeVar("T")

app = typer.Typer(help="See what Redis shows, and write it anew from PostgreSQL.", no_args_is_help=True)


@app.command()
def rebuild(config: ConfigFile = None, assignments: Set = None) -> None:
    """Write every key anew; what a service wrote meanwhile stays. Services do so by themselves where Redis forgot."""

    async def work(database: "Database", state: "RedisState") -> "Rebuilt":
        from roottrading.runtimes.distributed.redis_view.redis_rebuild import rebuild_redis

        return await rebuild_redis(database, state)

    done: Rebuilt = asyncio.run(_with_both(config, assignments, work))
    for key, count in done.values.items():
        typer.echo(f"{key:<18} {count}")
    for key in done.newer:
        typer.echo(f"{key:<18} left: a service has written it meanwhile")
    for (symbol, timeframe), count in done.candles.items():
        typer.echo(f"candles:{symbol}:{timeframe}  {count}")


@app.command()
def status(config: ConfigFile = None, assignments: Set = None) -> None:
    """Show what is there, beside what PostgreSQL has; while services trade, Redis may be a moment behind."""

    async def work(database: "Database", state: "RedisState") -> "tuple[int, list[KeySeen], list[CandlesSeen]]":
        from roottrading.runtimes.distributed.redis_view.redis_rebuild import compare_redis

        return await state.generation(), *(await compare_redis(database, state))

    generation, keys, candles = asyncio.run(_with_both(config, assignments, work))
    if not generation:
        typer.echo("Redis knows nothing of us: the dispatcher writes it at its start, or `roottrading redis rebuild`")
    for each in keys:
        beside = "as in PostgreSQL" if each.same else f"not as in PostgreSQL, which has {each.kept}"
        typer.echo(f"{each.key:<18} {each.shown}  {beside}")
    for seen in candles:
        typer.echo(f"candles:{seen.symbol}:{seen.timeframe}  {_until(seen)}")


def _until(seen: "CandlesSeen") -> str:
    from roottrading.domain.time import iso

    shown = "none" if seen.shown is None else f"until that of {iso(seen.shown)}"
    if seen.shown == seen.kept:
        return f"{shown}, as in PostgreSQL"
    kept = "none" if seen.kept is None else f"that of {iso(seen.kept)}"
    return f"{shown}; PostgreSQL has {kept}"


async def _with_both(config: ConfigFile, assignments: Set, work: "Callable[[Database, RedisState], Awaitable[T]]") -> T:
    from roottrading.adapters.bus.redis_state import RedisState
    from roottrading.adapters.store.postgres.database import Database
    from roottrading.config.secrets import REDIS_URL, postgres_url

    settings = load_settings(config, assignments).settings.postgres
    address = os.environ.get(REDIS_URL)
    if not address:
        raise CommandError(f"{REDIS_URL}: not set; it names the Redis of the services")
    state = RedisState(address)
    try:
        async with await Database.open(postgres_url(os.environ, settings.url), settings) as database:
            return await work(database, state)
    finally:
        await state.close()
