"""A bot killed, or paused beside a successor, while the exchange goes on.

`python -m tests.e2e.wire_kills [KILLS [PAUSES [SECONDS]]]` plays it and prints what came of it; without numbers 200
kills and 3 pauses of a minute, which it writes into docs/reliability.md. The exchange server and all bots are processes
of their own; the exchange's clock goes twenty times as fast as ours.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, Final

from msgspec import Struct, field

from roottrading.adapters.store.database import FILE
from roottrading.adapters.store.inspection import inspect_folder
from roottrading.domain.time import MILLISECOND, MINUTE, SECOND, Time, iso
from roottrading.runtimes.assembly import ALL_TABLES
from roottrading.services.coordinator import state as coordinator
from roottrading.services.trader import state as trader
from tests.e2e.test_wire import COMMAND, exchange
from tests.e2e.wire_account import Account, Agreement, Span, compare

PAGE: Final = Path(__file__).parents[2] / "docs" / "reliability.md"
_BEGINS: Final = "<!-- kills and pauses begin -->"
_ENDS: Final = "<!-- kills and pauses end -->"
SYMBOLS: Final = ("LTCUSDT", "XRPUSDT")
KEY: Final = "demo"  # the usual account's key and secret
PACE: Final = 20
# How long a bot that is up may leave something without a stop: recvWindow + 10 s of the exchange's time, and of ours
# the 2 s after which an outcome is unknown, and 2 s for a busy machine.
BOUND: Final = 13 * SECOND + 4 * PACE * SECOND
FOREIGN: Final = {"USDT": Decimal(3_000), "XRP": Decimal(77), "BNB": Decimal("1.5")}
CAPITAL: Final = Decimal(10_000)
FOREIGN_ORDER: Final = "by-hand"
SHOWN: Final = ("clientOrderId", "side", "type", "status", "origQty", "executedQty")
WHILE_STARTING: Final = 0.2  # the share of kills that do not wait until the bot is up
NEAR_A_CLOSE: Final = 0.5  # the share of the others that come when orders are under way
SILENT_FOR: Final = 10.5  # seconds after which a silent owner is taken over
PATIENCE: Final = 120.0  # seconds for whatever must happen, on a machine however busy
USUAL: Final = (200, 3, 60.0)
RESTLESS: Final = '''"""Buys and sells in turns of a minute: a trade is always under way when somebody is killed."""

import numpy as np

from roottrading.domain.columns import Columns, Floats
from roottrading.strategies.contract import Strategy


class Restless(Strategy, frozen=True):
    """A minute in, a minute out."""

    @property
    def lookback(self) -> int:
        return 0

    def evaluate(self, columns: Columns) -> Floats:
        turn = columns.open_time // 60_000_000 % 2
        conviction: Floats = np.where(turn == 0, 1.0, -1.0)
        return conviction
'''
# The symbols in turns: somewhere an entry is due at every close, not at every other.
BY_TURNS: Final = RESTLESS.replace("// 60_000_000 % 2", "// 60_000_000 % 2 ^ (columns.close > 100)")
RUN: Final = ("--symbols", ",".join(SYMBOLS), "--timeframe", "1m", "--strategies", "restless", "--state", "state")
SETTINGS: Final = (
    "aggregator.weighting=equal",
    "aggregator.quorum=0",
    "coordinator.cooldown_candles=off",
    "coordinator.stops_in_a_row=off",
    "coordinator.daily_loss=off",
    "coordinator.max_drawdown=off",
    *(
        f"coordinator.abnormal.{bound}=off"
        for bound in ("orders_per_minute", "reject_share", "slippage", "losses_in_a_row", "unprotected_ms")
    ),
)
SLOW: Final = {"kind": "latency", "where": "ws order*", "milliseconds": 30, "jitter": 60, "times": 0}  # of our time
FAULTS: Final = (
    {"kind": "cut", "where": "ws order*", "moment": "before"},
    {"kind": "cut", "where": "ws order*", "moment": "middle"},
    {"kind": "cut", "where": "ws order*", "moment": "after"},
    {"kind": "refusal", "where": "ws order*", "status": 503},
    {"kind": "refusal", "where": "ws order*", "status": 503, "executed": True},
    {"kind": "refusal", "where": "ws *", "status": 429, "code": -1003, "retry_after": 1},
    {"kind": "timeout", "where": "ws order*", "silent": True},
    {"kind": "timeout", "where": "ws order*", "silent": True, "executed": True},
    {"kind": "body", "where": "ws order*", "shape": "truncated"},
    {"kind": "lose", "where": "user executionReport *", "times": 3},
    {"kind": "duplicate", "where": "user *", "times": 0},
    {"kind": "swap", "where": "user *"},
    {"kind": "drop"},
    {"kind": "refusal", "where": "GET *", "status": 503, "times": 3},
)


class Tally(Struct):
    """What was done, and what came of it."""

    kills: int = 0
    while_starting: int = 0  # kills before the bot had loaded
    under_way: int = 0  # kills while a cycle was open
    unanswered: int = 0  # kills while a request was, whose fate nobody knew
    pauses: int = 0
    writing: int = 0  # bots that were stopped in the middle of a write: nobody can take over from them
    naps: int = 0  # bots that woke and found nobody in their place
    fenced: int = 0  # bots that woke beside a successor, and ended by the fence
    cycles_beside: int = 0  # cycles that successors began while their predecessors stood still
    faults: int = 0
    struck: int = 0
    seconds: float = 0.0
    lives: list[str] = field(default_factory=list)  # what befell the bots, in words
    dead: list[Span] = field(default_factory=list)  # when no bot was up, in the exchange's time
    said: list[str] = field(default_factory=list)  # what bots said of themselves that they should not have


class Bots:
    """Bots one after the other on one state folder, against one exchange."""

    def __init__(self, folder: Path, url: str, account: Account, dice: Random) -> None:
        self._folder = folder
        self._command = (
            *COMMAND,
            "run",
            "--exchange",
            url,
            *RUN,
            *(part for each in SETTINGS for part in ("--set", each)),
        )
        self.account = account
        self._dice = dice
        self.tally = Tally()
        self._lives = 0
        self._died_at: Time | None = account.now()

    @property
    def state(self) -> Path:
        """The state folder."""
        return self._folder / "state"

    def start(self) -> "Bot":
        """Start a bot on the state folder."""
        self._lives += 1
        return Bot(self._command, self._folder, self._lives)

    def kill(self) -> None:
        """Start a bot and kill -9 it at a random moment: some while they start, the others while they trade."""
        bot = self.start()
        try:
            if self._dice.random() < WHILE_STARTING:
                bot.wait(self._dice.uniform(0.2, 2.5))
            else:
                self._up(bot)
                self._trouble()
                self._wait(bot, near=self._dice.random() < NEAR_A_CLOSE)
        finally:
            bot.kill()
        now = self.account.now()
        self.tally.lives.append(f"{iso(now)} bot {bot.number} was killed")
        self.tally.kills += 1
        self.tally.while_starting += not bot.is_up
        self.tally.under_way += bool(self._open())
        self.tally.unanswered += any(each.unanswered for each in self._records(trader.EXECUTIONS))
        if bot.is_up or self._died_at is None:
            self._died_at = now
        self._complain(bot, "killed")
        self._mend()

    def pause(self, seconds: float) -> bool:
        """Stop a bot as it stands, let a successor take over and trade, and wake it: the fence must end it.

        Says whether it came to that: who was stopped in the middle of a write is still the owner, and goes on.
        """
        bot = self.start()
        try:
            self._up(bot)
            self._trouble()
            self._wait(bot, near=self._dice.random() < NEAR_A_CLOSE)
            bot.stop()
            stopped, self._died_at = time.monotonic(), self.account.now()
            time.sleep(SILENT_FOR)
            heir = self.start()
            try:
                if not heir.comes_up() and "kept it locked" in heir.errors:
                    bot.wake()
                    self.tally.dead.append((self._died_at, self.account.now()))
                    bot.wait(self._dice.uniform(4.0, 8.0))
                    self.tally.writing += 1
                    return False
                self._up(heir)
                before = len(self._cycles())
                heir.wait(max(seconds - (time.monotonic() - stopped), 5.0))
                bot.wake()
                self._ends_by_the_fence(bot)
                heir.wait(self._dice.uniform(1.0, 4.0))
                self.tally.pauses += 1
                self.tally.cycles_beside += len(self._cycles()) - before
                self._complain(heir, "successor")
                return True
            finally:
                heir.kill()
        finally:
            bot.kill()
            self._died_at = self.account.now()
            self._mend()

    def nap(self, seconds: float) -> None:
        """Stop a bot as it stands and wake it while nobody took over: it goes on, and is killed later."""
        bot = self.start()
        try:
            self._up(bot)
            self._trouble()
            self._wait(bot, near=self._dice.random() < NEAR_A_CLOSE)
            bot.stop()
            asleep = self.account.now()
            time.sleep(seconds)
            bot.wake()
            self.tally.dead.append((asleep, self.account.now()))
            bot.wait(self._dice.uniform(4.0, 8.0))
            self.tally.naps += 1
        finally:
            bot.kill()
        self._died_at = self.account.now()
        self._complain(bot, "woken")
        self._mend()

    def last(self) -> None:
        """Let a bot trade two more cycles undisturbed, then halt it and sell everything by command."""
        bot = self.start()
        try:
            self._up(bot)
            _until(lambda: bot.said.count("closed by") >= 2, "two more cycles closed")
            self._tell("halt")
            self._tell("flatten")
            _until(lambda: not self._open(), "all cycles closed by `control flatten`")
            time.sleep(1.0)  # the balances are told after the last fill
            bot.interrupt()
        finally:
            bot.kill()
        self._complain(bot, "last")

    def _tell(self, command: str) -> None:
        told = (*COMMAND, "control", command, "--state", str(self.state), "--why", "the end")
        subprocess.run(told, check=True, capture_output=True, timeout=PATIENCE)

    # ---- inside

    def _up(self, bot: "Bot") -> None:
        assert bot.comes_up(), f"bot {bot.number} ended: {bot.errors}"
        if self._died_at is not None:
            self.tally.dead.append((self._died_at, self.account.now()))
            self._died_at = None
        self.tally.lives.append(f"{iso(self.account.now())} bot {bot.number} is up")

    def _wait(self, bot: "Bot", near: bool) -> None:
        """Wait for a random moment, of those around the close of a candle where it is to be `near` one."""
        bot.wait(self._dice.uniform(0.0, 6.0))
        if near:
            bot.wait((MINUTE - self.account.now() % MINUTE) / SECOND / PACE + self._dice.uniform(-0.02, 0.15))

    def _trouble(self) -> None:
        """Have orders take a while, and every third time something go wrong at the exchange, too."""
        self.account.admin("faults", SLOW)
        if self._dice.random() < 1 / 3:
            fault = self._dice.choice(FAULTS)
            self.account.admin("faults", fault)
            self.tally.faults += 1
            self.tally.lives.append(f"{iso(self.account.now())} fault {fault}")

    def _mend(self) -> None:
        standing = self.account.admin("faults")["faults"]
        self.tally.struck += sum(each["struck"] for each in standing if each["fault"]["kind"] != SLOW["kind"])
        self.account.admin("faults", method="DELETE")

    def _ends_by_the_fence(self, bot: "Bot") -> None:
        try:
            code = bot.process.wait(10.0)
        except subprocess.TimeoutExpired:
            self.tally.said.append("woken beside its successor, a bot went on for 10 s")
            return
        if code == 1 and "was taken over by process" in bot.errors:
            self.tally.fenced += 1
        else:
            self.tally.said.append(f"woken beside its successor, a bot ended with {code}: {bot.errors.strip()!r}")

    def _complain(self, bot: "Bot", what: str) -> None:
        lines = bot.errors.splitlines()
        if any(line.startswith(("error: ", "Traceback")) for line in lines):
            self.tally.said.append(f"bot {bot.number} ({what}) said: {' / '.join(lines[-3:])}")

    def _open(self) -> tuple[Any, ...]:
        return self._records(coordinator.OPEN_CYCLES)

    def _cycles(self) -> tuple[Any, ...]:
        return self._records(coordinator.TRADE_CYCLES)

    def _records(self, name: str) -> tuple[Any, ...]:
        if not (self.state / FILE).exists():
            return ()
        (table,) = (table for table in ALL_TABLES if table.name == name)
        return inspect_folder(self.state, (table,)).records[name]


class Bot:
    """One process of `run --exchange`; what it says goes to files, so that nobody has to read it meanwhile."""

    def __init__(self, command: Sequence[str], folder: Path, number: int) -> None:
        self.number = number
        self._out, self._err = folder / f"out-{number}.txt", folder / f"err-{number}.txt"
        with self._out.open("w") as out, self._err.open("w") as err:
            self.process = subprocess.Popen(command, cwd=folder, stdout=out, stderr=err)

    @property
    def said(self) -> str:
        """What it printed."""
        return self._out.read_text()

    @property
    def errors(self) -> str:
        """What it printed as errors and warnings."""
        return self._err.read_text()

    @property
    def is_up(self) -> bool:
        """Whether it has loaded and let every service know: the first rest is a line."""
        return self._out.stat().st_size > 0

    def comes_up(self) -> bool:
        """Wait until it is up, or has ended; say which."""
        _until(lambda: self.is_up or self.process.poll() is not None, f"bot {self.number} came up", every=0.01)
        return self.process.poll() is None

    def wait(self, seconds: float) -> None:
        """Wait so long; it must not end meanwhile."""
        time.sleep(seconds)
        assert self.process.poll() is None, f"bot {self.number} ended: {self.errors}"

    def stop(self) -> None:
        """Stop it where it stands: SIGSTOP."""
        self.process.send_signal(19)

    def wake(self) -> None:
        """Let it go on: SIGCONT."""
        self.process.send_signal(18)

    def interrupt(self) -> None:
        """End it as Ctrl-C does."""
        self.process.send_signal(2)
        assert self.process.wait(60) == 130, self.errors

    def kill(self) -> None:
        """Kill -9, where it still lives."""
        self.process.kill()
        self.process.wait()


def play(folder: Path, seed: int, kills: int, pauses: int, seconds: float) -> tuple[Tally, Agreement]:
    """Kill and pause bots, let the last one end in peace, and compare what is left."""
    began = time.monotonic()
    (folder / "strategies").mkdir()
    (folder / "strategies" / "restless.py").write_text(RESTLESS)
    with _exchange(folder) as (url, account):
        bots = Bots(folder, url, account, Random(seed))
        share = kills // (pauses + 1)
        for number in range(kills):
            bots.kill()
            if number % share == share - 1 and bots.tally.pauses < pauses:
                while not bots.pause(seconds):
                    pass
                bots.nap(seconds / 4)
            if sys.stderr.isatty() or kills > 50:
                print(f"{number + 1} of {kills} kills; {bots.tally.said[-1:]}", file=sys.stderr, flush=True)
        bots.last()
        agreed = compare(account, bots.state, SYMBOLS, FOREIGN, FOREIGN_ORDER)
    tally = bots.tally
    tally.seconds = time.monotonic() - began
    return tally, agreed


def problems(tally: Tally, agreed: Agreement) -> list[str]:
    """Return everything that is wrong."""
    longest = longest_up(tally, agreed)
    late = [] if longest <= BOUND else [f"a bot left something without a stop for {longest / SECOND} s"]
    fenced = [] if tally.fenced == tally.pauses else [f"{tally.fenced} of {tally.pauses} ended by the fence"]
    return [*agreed.problems, *tally.said, *late, *fenced]


def longest_up(tally: Tally, agreed: Agreement) -> Time:
    """Return the longest time in which one bot was up and left something without a stop, in microseconds."""
    return max((_up_for(span, tally.dead) for spans in agreed.unprotected.values() for span in spans), default=0)


def around(tally: Tally, agreed: Agreement, least: Time) -> Iterator[str]:
    """Tell of every longer time without a stop what befell the bots around it, and what they ordered."""
    for symbol, spans in agreed.unprotected.items():
        for begin, end in spans:
            if _up_for((begin, end), tally.dead) <= least:
                continue
            yield f"{symbol} without a stop from {iso(begin)} to {iso(end)}:"
            lines = list(tally.lives)
            for order in agreed.listed[symbol]:
                said = " ".join(str(order[name]) for name in SHOWN)
                changed = iso(order["updateTime"] * MILLISECOND)
                lines.append(f"{iso(order['time'] * MILLISECOND)} {said}, changed {changed}")
            first, last = iso(begin - 2 * MINUTE), iso(end + MINUTE)
            yield from (f"  {line}" for line in sorted(lines) if first <= line <= last)


def longest_ever(agreed: Agreement) -> Time:
    """Return the longest time without a stop at all."""
    return max((end - begin for several in agreed.unprotected.values() for begin, end in several), default=0)


def told(tally: Tally, agreed: Agreement) -> str:
    """Return what came of it as a Markdown table."""
    found = problems(tally, agreed)
    dead = [end - begin for begin, end in tally.dead]
    rows = [
        ("killed with -9", f"{tally.kills} times"),
        ("... while it started", f"{tally.while_starting} times"),
        ("... with a cycle open", f"{tally.under_way} times"),
        ("... with a request under way", f"{tally.unanswered} times"),
        ("faults at the exchange meanwhile", f"{tally.faults}, which struck {tally.struck} times"),
        ("stopped, and woken beside its successor", f"{tally.pauses} times"),
        ("... ended by the fence", f"{tally.fenced} times"),
        ("... cycles that the successor began meanwhile", str(tally.cycles_beside)),
        ("stopped in the middle of a write, so that nobody could take over", f"{tally.writing} times"),
        ("stopped, and woken with nobody in its place", f"{tally.naps} times"),
        ("orders of the bot at the exchange", str(agreed.orders)),
        ("... of which entries that were executed", str(agreed.entries)),
        ("executions", str(agreed.trades)),
        ("longest that a bot, once up, left anything without a stop", f"{longest_up(tally, agreed) / SECOND:.1f} s"),
        ("longest without a stop at all", f"{longest_ever(agreed) / SECOND:.1f} s"),
        ("longest in which no bot was up", f"{max(dead, default=0) / SECOND:.1f} s"),
        ("played", f"{tally.seconds / 60:.0f} minutes at {PACE}x"),
        ("anything else that was wrong", "nothing" if not found else f"{len(found)}: {'; '.join(found[:20])}"),
    ]
    return "\n".join(
        ["| what | how often, how long |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)]
    )


def _up_for(span: Span, dead: Sequence[Span]) -> Time:
    """Return the longest part of a span in which no bot died or came up."""
    longest, since = 0, span[0]
    for begin, end in sorted(dead):
        if end > since and begin < span[1]:
            longest = max(longest, begin - since)
            since = end
    return max(longest, span[1] - since)


@contextmanager
def _exchange(folder: Path) -> Iterator[tuple[str, Account]]:
    """Serve an exchange, with foreign coins, foreign money and a foreign order on the account."""
    held = {**FOREIGN, "USDT": FOREIGN["USDT"] + CAPITAL}
    balances = [part for asset, amount in held.items() for part in ("--balance", f"{asset}={amount}")]
    named = ("--symbols", ",".join(SYMBOLS), "--from", "2021-04-17T00:00:00Z", "--account", f"{KEY}:{KEY}")
    with exchange(folder, "--clock", f"{PACE}x", *named, *balances) as (url, admin):
        account = Account(url, admin, KEY, KEY)
        account.signed(
            "POST",
            "order",
            symbol="LTCUSDT",
            side="BUY",
            type="LIMIT",
            timeInForce="GTC",
            quantity=1,
            price=100,
            newClientOrderId=FOREIGN_ORDER,
        )
        yield url, account


def _until(holds: object, what: str, every: float = 0.1) -> None:
    assert callable(holds)
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, f"not within {PATIENCE} s: {what}"
        time.sleep(every)


def written(page: str, table: str) -> str:
    """Return the page with this table."""
    before, _, rest = page.partition(_BEGINS)
    return f"{before}{_BEGINS}\n\n{table}\n\n{_ENDS}{rest.partition(_ENDS)[2]}"


def main() -> None:
    """Play it, print what came of it, and write it into the page where all of it was played."""
    given = (*map(float, sys.argv[1:]), *USUAL[len(sys.argv) - 1 :])
    kills, pauses, seconds = int(given[0]), int(given[1]), given[2]
    with tempfile.TemporaryDirectory() as folder:
        tally, agreed = play(Path(folder), 5, kills, pauses, seconds)
    table = told(tally, agreed)
    print(table)
    print("\n".join(around(tally, agreed, 15 * SECOND)), file=sys.stderr)
    if (kills, pauses, seconds) == USUAL:
        PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), table), encoding="utf-8")


if __name__ == "__main__":
    main()
