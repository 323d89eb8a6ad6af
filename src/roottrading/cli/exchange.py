"""`roottrading exchange`: the simulated exchange on Binance's wire, for every client of Binance."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from roottrading.cli import options
from roottrading.cli.errors import CommandError

if TYPE_CHECKING:
    from roottrading.config.settings import Settings
    from roottrading.domain.instrument import Instrument
    from roottrading.domain.time import Time
    from roottrading.exchange_server.assembly import Exchange

USUAL_ACCOUNT: Final = "demo:demo"
USUAL_BALANCE: Final = "USDT=10000"
NOW: Final = "now"
RECORDED: Final = "recorded"
MOST_PROCESSES: Final = 1_000
NO_BOUND: Final = 10**9

Port = Annotated[int, typer.Option("--port", help="Port of REST, streams and WebSocket API (0: any free one).")]
Host = Annotated[str, typer.Option("--host", help="Address to listen on.")]
Clock = Annotated[str, typer.Option("--clock", metavar="real|60x|stepped", help="How the exchange's time goes.")]
Begin = Annotated[
    str | None,
    typer.Option(
        "--begin",
        metavar="now|recorded|DATE",
        help="The exchange's time at the market's start (else now with the real clock and candles, or as recorded).",
    ),
]
Accounts = Annotated[
    list[str] | None,
    typer.Option("--account", metavar="KEY:SECRET", help=f"An account (else {USUAL_ACCOUNT}); KEY:@FILE: public key."),
]
AccountsFile = Annotated[
    Path | None,
    typer.Option("--accounts", metavar="FILE", help="Accounts from a TOML file: secrets on a line are seen by others."),
]
Readers = Annotated[
    list[str] | None,
    typer.Option("--reader", metavar="OWNER:KEY:SECRET", help="Another key of the account OWNER, that may only read."),
]
Balances = Annotated[
    list[str] | None,
    typer.Option(
        "--balance", metavar="ASSET=AMOUNT", help=f"What accounts begin with (else {USUAL_BALANCE}); KEY:... for one."
    ),
]
Sapi = Annotated[
    bool, typer.Option("--sapi", help="Answer, mostly with nothing, what some clients ask of /sapi before they begin.")
]
ListenKeys = Annotated[
    bool, typer.Option("--listen-keys", help="Have listen keys, which Binance has no more, for older clients.")
]
AdminPort = Annotated[
    int | None,
    typer.Option("--admin-port", help="Port of the admin door on loopback: status, clock, accounts, faults (0: any)."),
]
Faults = Annotated[
    list[Path] | None, typer.Option("--faults", metavar="FILE", help="A scenario: a TOML file of [[fault]] tables.")
]
Mirror = Annotated[
    str | None,
    typer.Option("--mirror", metavar="binance|URL", help="Mirror this live market instead of playing a recording."),
]
Expected = Annotated[
    list[str] | None,
    typer.Option(
        "--expect",
        metavar="SERVICE=N",
        help="Processes that a stepped clock waits for; without any it is moved by hand.",
    ),
]


def exchange(
    tape: options.Tape = None,
    instruments: options.Instruments = None,
    symbols: options.Symbols = None,
    start: options.From = None,
    end: options.To = None,
    port: Port = 8080,
    host: Host = "127.0.0.1",
    clock: Clock = "real",
    begin: Begin = None,
    accounts: Accounts = None,
    readers: Readers = None,
    balances: Balances = None,
    accounts_file: AccountsFile = None,
    sapi: Sapi = False,
    listen_keys: ListenKeys = False,
    admin_port: AdminPort = None,
    faults: Faults = None,
    expected: Expected = None,
    mirror: Mirror = None,
    config: options.ConfigFile = None,
    assignments: options.Set = None,
) -> None:
    """Serve a market as Binance does, so that every client of Binance can trade on it; Ctrl-C ends it.

    The market is recorded, or (--mirror) that of Binance or of another server as it is now. Fees and the fill
    model are those of the settings (fees.*, exchange.*).
    """
    loaded = options.load_settings(
        config, assignments, tape=tape, instruments=instruments, symbols=symbols, start=start, end=end
    )
    from roottrading.exchange_server.opening_accounts import (
        AccountError,
        read_accounts,
        read_accounts_file,
        with_readers,
    )

    try:
        openings = [] if accounts_file is None else read_accounts_file(accounts_file)
        if accounts or not openings:
            openings += read_accounts(accounts or [USUAL_ACCOUNT], balances or [USUAL_BALANCE])
        openings = with_readers(openings, readers or [])
    except AccountError as error:
        raise CommandError(str(error)) from None
    import asyncio

    from roottrading.cli.exchange_doors import Doors, serve

    doors = Doors(host, port, admin_port)
    if mirror is not None:
        from roottrading.cli.mirror import Mirrored, serve_mirror

        _check_mirror(loaded.settings, clock, begin, expected)
        offered = Mirrored(mirror, tuple(openings), sapi=sapi, listen_keys=listen_keys)
        asyncio.run(serve_mirror(loaded.settings, offered, doors, lambda made: _arm(made, faults or [])))
        return
    made = _open(loaded.settings, clock, begin, _expected(expected or []), sapi=sapi, listen_keys=listen_keys)
    _arm(made, faults or [])
    asyncio.run(serve(made, openings, doors, made.run()))


def _check_mirror(settings: "Settings", clock: str, begin: str | None, expected: Sequence[str] | None) -> None:
    """Raise CommandError for what a mirrored market cannot have."""
    run = settings.run
    if not run.symbols:
        raise CommandError("--mirror needs --symbols: which of the market's are mirrored")
    given = {
        "--tape": run.tape,
        "--instruments": run.instruments,
        "--from": run.start,
        "--to": run.end,
        "--begin": begin,
        "--expect": expected,
        "--clock": clock != "real",
    }
    for option, value in given.items():
        if value:
            raise CommandError(f"{option} is for a recorded market: --mirror has the market and the clock of another")


def _expected(given: Sequence[str]) -> dict[str, int]:
    """Return how many processes of each service are expected; CommandError where it is not SERVICE=N."""
    found: dict[str, int] = {}
    for text in given:
        service, _, number = text.partition("=")
        if not service or not number.isdecimal() or not 1 <= int(number) <= MOST_PROCESSES:
            raise CommandError(f"--expect {text}: write SERVICE=N, such as trader=1 (at most {MOST_PROCESSES})")
        found[service] = int(number)
    return found


def _arm(made: "Exchange", scenarios: Sequence[Path]) -> None:
    """Give the exchange the faults of scenario files; CommandError where one is wrong."""
    from roottrading.exchange_server.faults.agenda import read_scenario
    from roottrading.exchange_server.faults.fault import FaultError

    try:
        for path in scenarios:
            for fault in read_scenario(path):
                made.agenda.add(fault)
    except FaultError as error:
        raise CommandError(str(error)) from None


def _open(
    settings: "Settings",
    clock: str,
    begin: str | None,
    expected: Mapping[str, int],
    *,
    sapi: bool,
    listen_keys: bool,
) -> "Exchange":
    """Put the exchange together; CommandError for a clock or a beginning that there is not."""
    import time

    from msgspec.structs import replace

    from roottrading.adapters.tape.instruments import read_instruments
    from roottrading.adapters.tape.shipped import shipped_instruments, shipped_tape
    from roottrading.exchange_server.assembly import STEPPED, Terms, assemble
    from roottrading.exchange_server.limits import LimitSettings
    from roottrading.exchange_server.market.opening import open_market

    run = settings.run
    paths = [Path(path) for path in run.tape] or shipped_tape()
    listed: dict[str, Instrument] = {}
    for path in run.instruments:
        listed |= read_instruments(Path(path))
    begin_at = _beginning(begin, clock, paths)
    began = time.monotonic_ns()
    opened = open_market(
        paths,
        listed or shipped_instruments(),
        settings.exchange,
        symbols=run.symbols or None,
        start=run.start,
        end=run.end,
        begin_at=begin_at,
    )
    # connections are counted in five minutes of the exchange's time: where that stands, they would never end
    limits = LimitSettings(connections_5_minutes=NO_BOUND) if clock == STEPPED else LimitSettings()
    terms = Terms(clock, settings.fees, settings.exchange, limits, expected, sapi=sapi, listen_keys=listen_keys)
    if begin_at is not None:  # reading took time
        terms = replace(terms, begin=begin_at + (time.monotonic_ns() - began) // 1000)
    try:
        return assemble(opened, terms, time.monotonic)
    except ValueError as error:
        raise CommandError(str(error)) from None


def _beginning(begin: str | None, clock: str, paths: Sequence[Path]) -> "Time | None":
    """Return the exchange's time at the start of the market; None as it was recorded."""
    import time

    from roottrading.domain.time import parse_time
    from roottrading.exchange_server.market.feed_file import is_feed

    if begin is None:
        feeds = any(path.is_file() and is_feed(path) for path in paths)
        begin = NOW if clock == "real" and not feeds else RECORDED
    if begin == RECORDED:
        return None
    if begin == NOW:
        return time.time_ns() // 1000
    try:
        return parse_time(begin)
    except ValueError:
        raise CommandError(f"--begin {begin}: use now, recorded, or a date such as 2024-08-08") from None
