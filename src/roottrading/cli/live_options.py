"""The options of real orders, for every command that trades on an exchange."""

from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from roottrading.cli.errors import CommandError

if TYPE_CHECKING:
    from roottrading.config.settings import Settings

Live = Annotated[bool, typer.Option("--live", help="With --exchange: real orders, with a key of your own.")]
Confirm = Annotated[
    str | None,
    typer.Option("--confirm", metavar="DEPLOYMENT", help="With --live: begin without being asked at the terminal."),
]
Examined = Annotated[bool, typer.Option("--examined", hidden=True)]  # by whoever starts this process


class RealOrders(NamedTuple):
    """How real orders were asked for: with which name confirmed, and whether all was examined just before."""

    confirmed: str | None
    examined: bool = False


def real_orders(
    settings: "Settings", *, live: bool, confirm: str | None, examined: bool = False
) -> "RealOrders | None":
    """Return how real orders are asked for, None where they are not.

    Raises CommandError for options that do not go together.
    """
    if not live:
        if confirm is not None:
            raise CommandError("--confirm is for --live")
        return None
    if settings.run.exchange is None:
        raise CommandError("--live needs --exchange binance, or the address of an exchange")
    if settings.run.admin is not None:
        raise CommandError("--live and --admin exclude each other: real orders go by a clock that nobody steps")
    return RealOrders(confirm, examined)
