"""`run --exchange URL --live`: nothing is sent before a key, a doctor's yes, a name of one's own and a confirmation."""

import os
import pty
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Final

import pytest

from roottrading.cli.live import NAME_FILE
from roottrading.config.secrets import KEY, SECRET, SECRET_FILE, VARIABLES
from tests.e2e.test_wire import COMMAND, exchange
from tests.e2e.wire_account import Account, compare, read_books
from tests.e2e.wire_kills import RESTLESS

HIDDEN: Final = "a-secret-that-nobody-may-see"
NAME: Final = "alpha"
SYMBOL: Final = "LTCUSDT"
RUN: Final = (
    *("--symbols", SYMBOL, "--timeframe", "1m", "--strategies", "restless", "--set", "aggregator.weighting=equal"),
    *("--set", "aggregator.quorum=0", "--set", "coordinator.abnormal.slippage=off"),
)
FOREIGN: Final = {"USDT": Decimal(10_000), "LTC": Decimal(3)}  # beside the capital
NAMED: Final = ("--set", f"account.deployment={NAME}", "--confirm", NAME)
MARKET: Final = ("--symbols", SYMBOL, "--account", f"person:{HIDDEN}", "--balance", "USDT=20000", "--balance", "LTC=3")
QUICK: Final = ("--clock", "20x", "--from", "2021-04-17T00:00:00Z")
PATIENCE: Final = 120.0


def furnished(folder: Path) -> Path:
    """Return it with the strategy that never rests, and a secret in a file."""
    (folder / "strategies").mkdir()
    (folder / "strategies" / "restless.py").write_text(RESTLESS)
    (folder / "hidden").write_text(HIDDEN)
    (folder / "hidden").chmod(0o600)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with the strategy that never rests, and a secret in a file."""
    return furnished(tmp_path)


def environment(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    return {**kept, KEY: "person", SECRET_FILE: str(folder / "hidden")}


def live(folder: Path, url: str, *options: str, key: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Run to its end; return exit code and all that was said."""
    ended = subprocess.run(
        (*COMMAND, "run", "--exchange", url, "--live", *RUN, *options),
        cwd=folder,
        env=environment(folder) if key is None else dict(key),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    said = ended.stdout + ended.stderr
    assert "Traceback" not in said
    return ended.returncode, said


class Bot:
    """A bot under way; what it says goes to a file."""

    def __init__(self, folder: Path, process: "subprocess.Popen[str]", said: Path) -> None:
        self.folder = folder
        self.process = process
        self._said = said

    @property
    def said(self) -> str:
        return self._said.read_text()

    def until(self, words: str, times: int = 1) -> None:
        """Wait until it has said so, as often as that."""
        end = time.monotonic() + PATIENCE
        while self.said.count(words) < times:
            assert self.process.poll() is None, self.said
            assert time.monotonic() < end, self.said
            time.sleep(0.2)

    def stop(self) -> None:
        """End it as Ctrl-C does."""
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(60) == 130, self.said


@contextmanager
def started(folder: Path, url: str, *options: str, name: str = "said") -> Iterator[Bot]:
    """Start a bot; it ends with the block."""
    command = (*COMMAND, "run", "--exchange", url, "--live", *RUN, *options)
    said = folder / f"{name}.txt"
    with (
        said.open("w") as out,
        subprocess.Popen(
            command,
            cwd=folder,
            env={**environment(folder), "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process,
    ):
        try:
            yield Bot(folder, process, said)
        finally:
            if process.poll() is None:
                process.kill()


def account(url: str, admin: str) -> Account:
    return Account(url, admin, "person", HIDDEN)


def stop_in_a_halt(bot: Bot, there: Account, *symbols: str) -> None:
    """Halt the market, so that nothing happens between the bot's end and a look at the account, and stop the bot."""
    trade(there, "HALT", *symbols)
    time.sleep(1)  # until it has heard of what came before
    bot.stop()


def trade(there: Account, status: str, *symbols: str) -> None:
    for symbol in symbols:
        there.admin("faults", {"kind": "status", "symbol": symbol, "value": status})


def agrees(there: Account, state: Path) -> None:
    """Hold the books against the account."""
    found = compare(there, state, [SYMBOL], FOREIGN, "none")
    assert (found.problems, found.entries > 0) == ([], True)


def prefixes(state: Path) -> set[str]:
    return {name.partition("-")[0] for name in read_books(state).orders}


def untouched(there: Account) -> bool:
    return not there.orders(SYMBOL)


def no_secret_in(folder: Path) -> None:
    """Look for the secret in everything that was written."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != "hidden"]
    assert len(files) > 3
    assert [path for path in files if HIDDEN.encode() in path.read_bytes()] == []


def test_what_is_left_out_is_asked_for_and_nothing_is_sent(folder: Path) -> None:
    state = ("--state", "state")
    with exchange(folder, *MARKET, "--clock", "real") as (url, admin):
        there = account(url, admin)
        for options, code, words in (
            ((), 2, "--live needs --state"),
            ((*state, "--admin", admin), 2, "--admin exclude each other"),
            (state, 2, "nobody can confirm here: add --set account.deployment="),
            ((*state, *NAMED[:2]), 2, f"nobody can confirm here: add --confirm {NAME} "),
            ((*state, "--confirm", NAME), 2, "has no name yet"),
            ((*state, *NAMED[:2], "--confirm", "sim"), 2, f"this deployment is called {NAME}"),
        ):
            ended, said = live(folder, url, *options)
            assert (ended, words in said) == (code, True), said
        keyless = {name: value for name, value in environment(folder).items() if name not in VARIABLES}
        code, said = live(folder, url, *state, *NAMED, key=keyless)
        assert (code, f"no key for the exchange: set {KEY}" in said) == (1, True)
        code, said = live(folder, url, *state, *NAMED, key={**keyless, KEY: "person", SECRET: "wrong"})
        assert (code, "the exchange refuses it (-1022)" in said) == (1, True)
        for fault, words in (
            (
                {
                    "kind": "field",
                    "where": "GET /sapi/v1/account/apiRestrictions",
                    "field": "enableWithdrawals",
                    "value": "true",
                    "times": 0,
                },
                "key: it may withdraw - make a key without",
            ),
            ({"kind": "drift", "milliseconds": 5_000}, "clock: this machine's clock is"),
            ({"kind": "refusal", "where": "GET /api/v3/ping", "status": 451, "times": 0}, "does not serve this place"),
        ):
            there.admin("faults", fault)
            code, said = live(folder, url, *state, *NAMED)
            assert (code, "nothing is traded before this is mended" in said, words in said) == (1, True, True), said
            there.admin("faults", method="DELETE")
            there.admin("faults", {"kind": "drift", "milliseconds": 0})
        assert untouched(there)
    assert not (folder / "state").exists()


def test_elsewhere_only_with_live(folder: Path) -> None:
    for named in ("https://testnet.binance.vision", "http://192.0.2.1:8080", "binance"):
        refused = subprocess.run(
            (*COMMAND, "run", "--exchange", named, *RUN), cwd=folder, capture_output=True, text=True, check=False
        )
        assert (refused.returncode, "real orders need --live" in refused.stderr) == (2, True)
    tape = subprocess.run((*COMMAND, "run", "--live"), cwd=folder, capture_output=True, text=True, check=False)
    assert (tape.returncode, "--live needs --exchange" in tape.stderr) == (2, True)


def test_it_trades_goes_on_and_lets_no_second_one_in(folder: Path) -> None:
    own = ("--state", "state", *NAMED, "--output", "out", "--log", "log.jsonl")
    with exchange(folder, *MARKET, *QUICK) as (url, admin):
        there = account(url, admin)
        with started(folder, url, *own) as bot:
            bot.until("closed by", 2)
            stop_in_a_halt(bot, there, SYMBOL)
        assert "ok       key: it cannot withdraw" in bot.said
        agrees(there, folder / "state")
        trade(there, "TRADING", SYMBOL)
        assert prefixes(folder / "state") == {NAME}

        code, said = live(folder, url, "--state", "another", *NAMED)
        assert (code, f"orders under the prefix {NAME}- are on the account" in said) == (1, True), said
        assert f"{SYMBOL} {NAME}-" in said
        assert not (folder / "another").exists()

        with started(folder, url, *own, name="killed") as bot:
            bot.until("closed by")
            bot.process.kill()
        with started(folder, url, *own, name="again") as bot:
            bot.until("closed by")
            stop_in_a_halt(bot, there, SYMBOL)
        agrees(there, folder / "state")
        trade(there, "TRADING", SYMBOL)
        with started(folder, url, "--state", "another", "--set", "account.deployment=beta", "--confirm", "beta") as bot:
            bot.until("closed by")
            bot.stop()
        assert prefixes(folder / "another") == {"beta"}
    no_secret_in(folder)


def test_the_name_is_made_once_and_typed_by_a_person(folder: Path) -> None:
    with exchange(folder, *MARKET, *QUICK) as (url, admin):
        command = (*COMMAND, "run", "--exchange", url, "--live", *RUN, "--state", "state")
        assert typed(folder, command, "yes\n") == 2
        assert untouched(account(url, admin))
        assert not (folder / "state").exists()
        assert typed(folder, command, None) == 130
        name = (folder / "state" / NAME_FILE).read_text().strip()
        with started(folder, url, "--state", "state", "--confirm", name) as bot:
            bot.until("closed by")
            bot.stop()
        assert prefixes(folder / "state") == {name}
        assert name != "sim"


def test_binance_is_where_the_settings_say(folder: Path) -> None:
    """The very path to Binance itself, with its addresses on this machine."""
    with exchange(folder, *MARKET, "--clock", "real") as (url, _):
        addresses = {"rest": f"{url}/", "socket": f"ws{url[4:]}/ws-api/v3", "stream": f"ws{url[4:]}/"}
        binance = "".join(f'{name} = "{address}"\n' for name, address in addresses.items())
        (folder / "roottrading.toml").write_text(f"[binance]\n{binance}")
        with started(folder, "binance", "--state", "state", *NAMED) as bot:
            bot.until("  equity ")
            bot.stop()
        assert f"ok       exchange: {url} answers" in bot.said
        (folder / "state" / NAME_FILE).write_text("../alpha\n")
        code, said = live(folder, "binance", "--state", "state")
        assert (code, "holds no name of a deployment" in said) == (2, True)


def typed(folder: Path, command: tuple[str, ...], answer: str | None) -> int:
    """Run at a terminal, and answer its question (None: with the name that it shows); return the exit code."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        command, cwd=folder, env=environment(folder), stdin=theirs, stdout=theirs, stderr=theirs, close_fds=True
    ) as process:
        os.close(theirs)
        said = ""
        while "to begin" not in said:
            said += os.read(ours, 4096).decode()
        shown = next(line.split()[1] for line in said.splitlines() if line.startswith("  deployment"))
        os.write(ours, (answer or f"{shown}\n").encode())
        if answer is None:
            end = time.monotonic() + PATIENCE
            while not (folder / "state" / "state.sqlite").exists() and time.monotonic() < end:
                time.sleep(0.1)
            time.sleep(1)
            process.send_signal(signal.SIGINT)
        try:
            while os.read(ours, 4096):  # until it has ended
                pass
        except OSError:
            pass
        code = process.wait(60)
    os.close(ours)
    assert HIDDEN not in said
    return code


def test_two_of_one_name_begun_at_once_are_noticed(folder: Path) -> None:
    """Neither has sent anything when the other looks; their orders then have the same ids, and other numbers."""
    with (
        exchange(folder, *MARKET, *QUICK) as (url, _),
        started(folder, url, "--state", "one", *NAMED, "--log", "one.jsonl", name="one") as one,
        started(folder, url, "--state", "two", *NAMED, "--log", "two.jsonl", name="two") as two,
    ):
        end = time.monotonic() + PATIENCE
        while "prefix_shared" not in logged(folder) and time.monotonic() < end:
            assert (one.process.poll(), two.process.poll()) == (None, None), one.said + two.said
            time.sleep(0.5)
        assert "prefix_shared" in logged(folder)
    no_secret_in(folder)


def logged(folder: Path) -> str:
    return "".join(path.read_text() for path in folder.glob("*.jsonl"))
