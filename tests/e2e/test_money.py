"""A person gives services capital and coins, and takes capital away, while the judging ones are killed: once each."""

import asyncio
import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from roottrading.config.secrets import KAFKA_URL, KEY, PORTFOLIO_KEY, PORTFOLIO_SECRET, POSTGRES_URL, REDIS_URL, SECRET
from roottrading.operations.local_servers.addresses import Servers
from tests.e2e.conftest import Runner
from tests.e2e.test_kill_anything import left
from tests.e2e.test_wire import COMMAND, exchange
from tests.e2e.test_wire_commands import BALANCES, PATIENT, SERVED
from tests.e2e.up_process import Up, going_up
from tests.e2e.wire_account import Account, books_of, compare_books
from tests.e2e.wire_kills import FOREIGN, FOREIGN_ORDER, SETTINGS, SYMBOLS

D = Decimal
PATIENCE = 90.0  # seconds for whatever must happen, on a machine however busy


class Hand:
    """A person's hand: commands to the services' database, and a look at what they did."""

    def __init__(self, roottrading: Runner, up: Up) -> None:
        self._roottrading = roottrading
        self._up = up

    def tell(self, *command: str) -> None:
        told = self._roottrading(*command)
        assert "the services of postgres" in told.out, (told.out, told.err)

    def kill(self, service: str) -> None:
        os.kill(self._up.ids[service], signal.SIGKILL)

    def keys_of(self, service: str) -> set[str]:
        """Return what keys a service's process was given."""
        given = Path(f"/proc/{self._up.ids[service]}/environ").read_text().split("\0")
        return {each.partition("=")[0] for each in given} & {KEY, SECRET, PORTFOLIO_KEY, PORTFOLIO_SECRET}

    def until(self, what: str, holds: Callable[[str], object]) -> str:
        end = time.monotonic() + PATIENCE
        while not holds(shown := self._roottrading("control", "status").out):
            assert time.monotonic() < end, f"{what}: not yet\n{shown}\n" + "\n".join(self._up.said[-30:])
            time.sleep(0.2)
        return shown


@contextmanager
def services(folder: Path, url: str, environment: dict[str, str], deployment: str) -> Iterator[Up]:
    (folder / "strategies").mkdir()
    (folder / "strategies" / "patient.py").write_text(PATIENT)
    options = [part for each in (*SETTINGS, f"account.deployment={deployment}") for part in ("--set", each)]
    command = (*COMMAND, "up", "--exchange", url, "--symbols", ",".join(SYMBOLS), "--timeframe", "1m")
    patient = (*command, "--strategies", "patient", *options)
    with going_up(patient, folder, environment, by=signal.SIGTERM, patience=60) as up:
        yield up


def test_capital_and_coins_come_and_go_once_whoever_dies(
    servers: Servers, topic_prefix: str, tmp_path: Path, roottrading: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(POSTGRES_URL, servers.postgres_url)
    environment = {
        **os.environ,
        REDIS_URL: servers.redis_url,
        KAFKA_URL: servers.kafka_url,
        POSTGRES_URL: servers.postgres_url,
        **{KEY: "demo", SECRET: "demo", PORTFOLIO_KEY: "sees", PORTFOLIO_SECRET: "only"},
    }
    deployment = f"m{abs(hash(topic_prefix)) % 10**6}"
    with exchange(tmp_path, *SERVED, *BALANCES, "--account", "demo:demo", "--reader", "demo:sees:only") as (url, admin):
        account = Account(url, admin, "demo", "demo")
        with services(tmp_path, url, environment, deployment) as up:
            hand = Hand(roottrading, up)
            hand.until("both symbols bought", lambda shown: shown.count("USDT open since") == 2)
            assert {name: keys for name in up.ids if (keys := hand.keys_of(name))} == {
                "trader": {KEY, SECRET},
                "portfolio": {PORTFOLIO_KEY, PORTFOLIO_SECRET},
            }
            hand.tell("capital", "remove", "9900")  # most of it is in cycles
            hand.tell("control", "halt")
            hand.tell("control", "flatten")
            shown = hand.until("all sold", lambda shown: "cycles    0 open" in shown and "waiting" not in shown)
            assert re.search(r"refused   at 2021-04-17T\S+: 9900 USDT cannot be removed: ", shown)
            bought = sum(trade["isBuyer"] for symbol in SYMBOLS for trade in account.trades(symbol))

            hand.tell("capital", "add", "4000")  # more than there is
            hand.tell("capital", "add", "1500")
            hand.kill("portfolio")
            hand.tell("capital", "remove", "11000")  # there is as much after what was asked before
            hand.kill("coordinator")
            hand.tell("capital", "add", "10800")
            hand.tell("adopt", "LTCUSDT", "4", "250")
            changed = "LTCUSDT open since", " of 12300 capital"
            shown = hand.until("capital and coins", lambda shown: all(each in shown for each in changed))
            assert re.search(r"by adopted: holds 4\.?\d*, paid 1000", shown)  # with dust of the symbol's
            hand.kill("portfolio")
            hand.tell("capital", "add", "1")
            hand.until("one more", lambda shown: " of 12301 capital" in shown)
            (stop,) = [each for each in account.signed("GET", "openOrders", symbol="LTCUSDT") if each["side"] == "SELL"]
            assert (stop["type"], stop["status"], D(stop["origQty"])) == ("STOP_LOSS", "NEW", D(4))
            assert sum(trade["isBuyer"] for symbol in SYMBOLS for trade in account.trades(symbol)) == bought

            hand.tell("control", "resume")
            hand.until("it buys again", lambda shown: "XRPUSDT open since" in shown)
            hand.tell("control", "halt")
            hand.tell("control", "flatten")
            hand.until("all sold at the end", lambda shown: "cycles    0 open" in shown and "waiting" not in shown)
        records = asyncio.run(left(servers.postgres_url))
        foreign = {**FOREIGN, "LTC": D(5) - D(4), "USDT": D(3000) - D(1500) + D(11000) - D(10800) - D(1)}
        found = compare_books(account, books_of(records), SYMBOLS, foreign, FOREIGN_ORDER)
    taken = [(each.kind, each.symbol, each.amount) for each in records["account_adjustments"]]  # type: ignore[attr-defined]
    changes = [("capital", "", amount) for amount in (1500, -11000, 10800)]
    assert taken == [*changes, ("adopt", "LTCUSDT", 4), ("capital", "", 1)]
    refused = [alert.text for alert in records["alerts"] if alert.subject == "adjustment_refused"]  # type: ignore[attr-defined]
    assert len(refused) == 2
    assert re.fullmatch(r"9900 USDT cannot be removed: \d[\d.]* are free; the rest is in open cycles", refused[0])
    assert refused[1] == "4000 USDT cannot be added: 3000 on the account are free and not the bot's"
    assert found.problems == []
