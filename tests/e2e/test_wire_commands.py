"""A person steers a bot that trades over the wire: halt, flatten, capital and coins, by the command line."""

import csv
import re
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from tests.e2e.conftest import Runner
from tests.e2e.test_wire import COMMAND, exchange
from tests.e2e.wire_account import Account, compare
from tests.e2e.wire_kills import FOREIGN, FOREIGN_ORDER, PATIENCE, RESTLESS, SETTINGS, SYMBOLS, Bot

D = Decimal
BALANCES = ("--balance", "USDT=13000", "--balance", "XRP=77", "--balance", "BNB=1.5", "--balance", "LTC=5")
PATIENT = RESTLESS.replace("Restless", "Patient").replace("-1.0)", "0.0)")  # it never sells by itself
RUN = ("--symbols", ",".join(SYMBOLS), "--timeframe", "1m", "--strategies", "patient", "--state", "state")
SERVED = ("--clock", "20x", "--symbols", ",".join(SYMBOLS), "--from", "2021-04-17T00:00:00Z")


class Hand:
    """A person's hand: commands on the state folder, and a look at what they did."""

    def __init__(self, roottrading: Runner) -> None:
        self._roottrading = roottrading

    def tell(self, *command: str) -> None:
        told = self._roottrading(*command, "--state", "state")
        assert told.code == 0, told.err
        assert "takes it at the next instant" in told.out

    def status(self) -> str:
        shown = self._roottrading("control", "status", "--state", "state")
        assert shown.code == 0, shown.err
        return shown.out

    def until(self, holds: Callable[[str], object], what: str) -> str:
        end = time.monotonic() + PATIENCE
        while not holds(shown := self.status()):
            assert time.monotonic() < end, f"not within {PATIENCE} s: {what}\n{shown}"
            time.sleep(0.1)
        return shown


def test_a_person_steers_it(roottrading: Runner, tmp_path: Path) -> None:
    (tmp_path / "strategies").mkdir()
    (tmp_path / "strategies" / "patient.py").write_text(PATIENT)
    hand = Hand(roottrading)
    with exchange(tmp_path, *SERVED, *BALANCES, "--account", "demo:demo") as (url, admin):
        account = Account(url, admin, "demo", "demo")
        settings = [part for each in SETTINGS for part in ("--set", each)]
        bot = Bot((*COMMAND, "run", "--exchange", url, *RUN, *settings, "--output", "out"), tmp_path, 1)
        try:
            assert bot.comes_up(), bot.errors
            shown = hand.until(lambda shown: shown.count("USDT open since") == 2, "both symbols are bought")
            hand.tell("control", "halt", "--who", "anna", "--why", "news")
            hand.until(lambda shown: "trading   halted" in shown and "waiting" not in shown, "halted")
            (cycle,) = re.findall(r"LTCUSDT open .* id (\S+)", shown)
            hand.tell("control", "exit", cycle)
            hand.until(lambda shown: "cycles    1 open" in shown, "one sold")
            hand.tell("control", "flatten")
            hand.until(lambda shown: "cycles    0 open" in shown, "all sold")
            bought = sum(trade["isBuyer"] for symbol in SYMBOLS for trade in account.trades(symbol))

            hand.tell("capital", "add", "4000")  # more than there is
            hand.tell("capital", "add", "1500")
            hand.tell("capital", "remove", "200")
            hand.tell("adopt", "LTCUSDT", "4", "250")
            hand.until(lambda shown: " of 11300 capital" in shown, "capital added and removed")
            shown = hand.until(lambda shown: "LTCUSDT open since" in shown, "coins adopted")
            assert re.search(r"by adopted: holds 4\.?\d*, paid 1000", shown)  # with dust of the symbol's
            (stop,) = [each for each in account.signed("GET", "openOrders", symbol="LTCUSDT") if each["side"] == "SELL"]
            assert (stop["type"], stop["status"], D(stop["origQty"])) == ("STOP_LOSS", "NEW", D(4))
            assert sum(trade["isBuyer"] for symbol in SYMBOLS for trade in account.trades(symbol)) == bought

            hand.tell("control", "resume")
            hand.until(lambda shown: "XRPUSDT open since" in shown, "it buys again")
            hand.tell("control", "halt")
            hand.tell("control", "flatten")
            hand.until(lambda shown: "cycles    0 open" in shown, "all sold at the end")
            time.sleep(0.5)
            bot.interrupt()
        finally:
            bot.kill()
        foreign = {**FOREIGN, "LTC": D(5) - D(4), "USDT": D(3000) - D(1500) + D(200)}
        assert compare(account, tmp_path / "state", SYMBOLS, foreign, FOREIGN_ORDER).problems == []
    assert "4000 USDT cannot be added: 3000 on the account are free and not the bot's" in bot.said + bot.errors
    with (tmp_path / "out" / "adjustments.csv").open() as file:
        taken = [(row["kind"], row["symbol"], D(row["amount"])) for row in csv.DictReader(file)]
    assert taken == [("capital", "", D(1500)), ("capital", "", D(-200)), ("adopt", "LTCUSDT", D(4))]
