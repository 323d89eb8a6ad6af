"""Serving an exchange on its doors until Ctrl-C, whatever its market is made of."""

import asyncio
import signal
from collections.abc import Coroutine, Sequence
from contextlib import AsyncExitStack
from typing import Any, Final

import typer
from msgspec import Struct

from roottrading.domain.time import iso
from roottrading.exchange_server.admin import Admin
from roottrading.exchange_server.app import build_app
from roottrading.exchange_server.assembly import Exchange
from roottrading.exchange_server.opening_accounts import Opening, open_accounts
from roottrading.exchange_server.serving import serving, until

LOOPBACK: Final = "127.0.0.1"


class Doors(Struct, frozen=True):
    """Where an exchange listens; a port of 0 is any that is free, without `admin_port` there is no admin door."""

    host: str
    port: int
    admin_port: int | None


async def serve(made: Exchange, openings: Sequence[Opening], doors: Doors, work: Coroutine[Any, Any, None]) -> None:
    """Open the accounts and the doors and do the exchange's `work` until a signal, or until it ends by itself."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    working = asyncio.create_task(work)
    open_accounts(made.server, openings, made.server.clock.now())
    async with AsyncExitStack() as stack:
        chosen = await stack.enter_async_context(serving(build_app(made.server), doors.host, doors.port))
        names = ", ".join(opening.key for opening in openings)
        typer.echo(f"exchange on http://{doors.host}:{chosen} (REST, /ws, /stream, /ws-api/v3); accounts: {names}")
        typer.echo(f"market from {iso(made.server.clock.now())}: {', '.join(made.venue.instruments)}")
        if doors.admin_port is not None:
            admin = await stack.enter_async_context(serving(Admin(made).app(), LOOPBACK, doors.admin_port))
            typer.echo(f"admin door on http://{LOOPBACK}:{admin}")
        await until(stop, working)
    typer.echo("stopped")
