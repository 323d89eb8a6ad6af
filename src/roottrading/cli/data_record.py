"""`roottrading data record`: the market's streams into a file that `roottrading exchange --tape` replays."""

import re
from pathlib import Path
from typing import Annotated, Final

import typer

from roottrading.cli import options
from roottrading.cli.data_download import BINANCE, Symbols, address, check_aiohttp, symbol_names
from roottrading.cli.errors import CommandError

_SPAN: Final = re.compile(r"(\d{1,6})([smhd])")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}

Output = Annotated[Path, typer.Option("--output", metavar="FILE", help="File to record into, such as market.gz.")]
Market = Annotated[
    str, typer.Option("--market", metavar="binance|URL", help="Binance, or an exchange server: whose streams.")
]
For = Annotated[
    str | None, typer.Option("--for", metavar="10m", help="How long: 30s, 10m, 2h, 7d (else until Ctrl-C).")
]


def record(
    symbols: Symbols,
    output: Output,
    duration: For = None,
    market: Market = BINANCE,
    config: options.ConfigFile = None,
    assignments: options.Set = None,
) -> None:
    """Record trades, best quotes, books and candles as they come; `exchange --tape FILE` replays the file.

    Into a file that is there, the recording goes on. Ctrl-C ends it.
    """
    check_aiohttp()
    settings = options.load_settings(config, assignments).settings.binance
    rest, streams = settings.public_rest, settings.public_stream
    if market != BINANCE:
        rest = address(market)
        streams = f"ws{rest.removeprefix('http')}"
    seconds = None if duration is None else _seconds(duration)

    from roottrading.cli.recording import record_into

    record_into(output, rest, streams, symbol_names(symbols), seconds)


def _seconds(text: str) -> int:
    match = _SPAN.fullmatch(text)
    if match is None or not int(match[1]):
        raise CommandError(f"--for {text}: write a time such as 30s, 10m, 2h or 7d")
    return int(match[1]) * _SECONDS[match[2]]
