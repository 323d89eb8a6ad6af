"""`roottrading exchange --mirror`: the exchange server with the market of another exchange, as it is now."""

import asyncio
from collections.abc import Callable
from typing import Final

import typer
from msgspec import Struct

from roottrading.adapters.exchange.binance.streams.binance_market import MarketEndpoints, market_endpoints_at
from roottrading.cli.errors import CommandError
from roottrading.cli.exchange_doors import Doors, serve
from roottrading.cli.places import BINANCE
from roottrading.config.settings import Settings
from roottrading.exchange_server.assembly import Exchange, Terms, assemble
from roottrading.exchange_server.limits import LimitSettings
from roottrading.exchange_server.market.mirror import Mirror
from roottrading.exchange_server.opening_accounts import Opening
from roottrading.runtimes.linked.pace import pace_of

_SETTLING: Final = 10.0  # seconds that the doors wait for books and prints
_LOOK: Final = 0.05


class Mirrored(Struct, frozen=True):
    """Which market is mirrored, "binance" or an address, and what the exchange offers beside it."""

    named: str
    openings: tuple[Opening, ...]
    sapi: bool
    listen_keys: bool


async def serve_mirror(settings: Settings, offered: Mirrored, doors: Doors, arm: Callable[[Exchange], None]) -> None:
    """Serve until a signal; `arm` is given the exchange before its doors open.

    Raises CommandError for what is no address, LinkError where there is no such market.
    """
    endpoints, rate = await _place(settings, offered.named)
    mirror = Mirror(endpoints, settings.run.symbols, settings.binance.streams, rate)
    opened = await mirror.open()
    try:
        terms = Terms(
            "real",
            settings.fees,
            settings.exchange,
            LimitSettings(),
            sapi=offered.sapi,
            listen_keys=offered.listen_keys,
        )
        made = assemble(opened, terms, mirror.wall)
        mirror.attach(made)
        arm(made)
        following = asyncio.create_task(_both(made, mirror))
        try:
            await _settle(mirror, following)
            await serve(made, offered.openings, doors, _ended(following))
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
    finally:
        await mirror.close()


async def _place(settings: Settings, named: str) -> tuple[MarketEndpoints, int]:
    """Return where the market is, and how many of its seconds pass in one of ours."""
    if named == BINANCE:
        told = settings.binance
        return MarketEndpoints(told.public_rest.rstrip("/"), told.public_stream.rstrip("/")), 1
    try:
        endpoints = market_endpoints_at(named)
    except ValueError as error:
        raise CommandError(f"--mirror {named}: {error}") from None
    return endpoints, await pace_of(named)


async def _both(made: Exchange, mirror: Mirror) -> None:
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(made.run())
        tasks.create_task(mirror.run())


async def _settle(mirror: Mirror, following: "asyncio.Task[None]") -> None:
    """Wait a little until every symbol's market is known; those whose is not stay halted until it is."""
    until = asyncio.get_running_loop().time() + _SETTLING
    while mirror.halted and not following.done() and asyncio.get_running_loop().time() < until:
        await asyncio.sleep(_LOOK)
    if mirror.halted and not following.done():
        typer.echo(f"halted until their book is known: {', '.join(mirror.halted)}")


async def _ended(following: "asyncio.Task[None]") -> None:
    await following
