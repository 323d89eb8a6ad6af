"""Our exchange server with a large account and without Binance's limits: what is measured is not who waits for them."""

import argparse
import asyncio
import time
from pathlib import Path

from benchmarks.distributed.market import BEGIN, WideMarket
from roottrading.adapters.exchange.simulated.settings import FillModel
from roottrading.adapters.tape.instruments import read_instruments
from roottrading.cli.exchange_doors import Doors, serve
from roottrading.domain.fees import FeeSchedule
from roottrading.exchange_server.assembly import Terms, assemble
from roottrading.exchange_server.limits import LimitSettings
from roottrading.exchange_server.market.opening import open_market
from roottrading.exchange_server.opening_accounts import read_accounts

CAPITAL = 100_000_000
_MANY = 10**8


def main() -> None:
    """Serve until a signal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tape", type=Path)
    parser.add_argument("--clock", default="1x")
    given = parser.parse_args()
    model = FillModel()
    opened = open_market([given.tape], read_instruments(WideMarket.instruments(given.tape)), model, start=BEGIN)
    limits = LimitSettings(*[_MANY] * 5)
    made = assemble(opened, Terms(given.clock, FeeSchedule(), model, limits), time.monotonic)
    openings = read_accounts(["demo:demo"], [f"USDT={CAPITAL}"])
    asyncio.run(serve(made, openings, Doors("127.0.0.1", 0, None), made.run()))


if __name__ == "__main__":
    main()
