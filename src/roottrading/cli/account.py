"""`roottrading capital` and `roottrading adopt`: the bot's share of the account changes (trading-rules 7.1)."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from roottrading.cli.control import send, where
from roottrading.cli.errors import CommandError
from roottrading.cli.options import ConfigFile, State

if TYPE_CHECKING:
    from decimal import Decimal

    from roottrading.cli.service_database import ServiceDatabase

MOST = 1_000_000_000_000
DIGITS = 8  # as exact as the exchange is

capital_app = typer.Typer(help="Give the bot more of the account's money, or take some away.", no_args_is_help=True)

Amount = Annotated[str, typer.Argument(help="In the quote asset.")]


@capital_app.command()
def add(amount: Amount, state: State = None, config: ConfigFile = None) -> None:
    """Let the bot use more of the account's quote asset."""
    _adjust(where(state, config), "capital", "", _positive(amount, "the amount"), None)


@capital_app.command()
def remove(amount: Amount, state: State = None, config: ConfigFile = None) -> None:
    """Take quote asset away from the bot; it stays on the account."""
    _adjust(where(state, config), "capital", "", -_positive(amount, "the amount"), None)


def adopt(
    symbol: Annotated[str, typer.Argument(help="The symbol whose coins the bot takes over.")],
    quantity: Annotated[str, typer.Argument(help="How many coins.")],
    price: Annotated[str, typer.Argument(help="What each is booked at, in the quote asset.")],
    state: State = None,
    config: ConfigFile = None,
) -> None:
    """Make a trade cycle of coins that are on the account already."""
    coins, each = _positive(quantity, "the quantity"), _positive(price, "the price")
    _adjust(where(state, config), "adopt", symbol.upper(), coins, each)


def _adjust(
    place: "Path | ServiceDatabase",
    kind: Literal["capital", "adopt"],
    symbol: str,
    amount: "Decimal",
    price: "Decimal | None",
) -> None:
    from roottrading.messages.service import AccountAdjusted

    send(place, AccountAdjusted(0, kind, symbol, amount, price, 0))


def _positive(text: str, what: str) -> "Decimal":
    from decimal import Decimal, InvalidOperation

    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or number <= 0:
        raise CommandError(f"{what} is {text}: give a number above 0")
    if number > MOST or int(number.as_tuple().exponent) < -DIGITS:
        raise CommandError(f"{what} is {text}: give at most {MOST}, with at most {DIGITS} digits after the point")
    return number
