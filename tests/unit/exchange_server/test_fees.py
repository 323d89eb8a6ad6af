"""Fees over the wire: in what is received, or in BNB."""

import asyncio
from decimal import Decimal

from aiohttp import ClientSession

from roottrading.domain.fees import FeeSchedule
from tests.unit.exchange_server.serving import KEY, Client, new_server, serving


def test_fees_in_bnb_are_told_and_taken() -> None:
    async def run() -> None:
        server, clock = new_server(fees=FeeSchedule(taker=Decimal("0.001"), in_bnb=True))
        server.venue.deposit(KEY, "BNB", Decimal(1), clock.time)
        server.venue.price_moved("BNBUSDT", Decimal(500), Decimal(100), clock.time)
        clock.time += 1_000_000  # fees are reckoned at the price of BNB known before the instant
        server.venue.price_moved("BTCUSDT", Decimal(60_000), Decimal(100), clock.time)
        async with serving(server) as place, ClientSession() as session:
            client = Client(session, f"http://{place}", clock)
            rates = (await client.signed("GET", "/api/v3/account/commission", symbol="BTCUSDT")).body
            assert rates["standardCommission"]["taker"] == "0.00100000"
            assert rates["discount"] == {
                "enabledForAccount": True,
                "enabledForSymbol": True,
                "discountAsset": "BNB",
                "discount": "0.25000000",
            }
            order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.1"}
            (fill,) = (await client.signed("POST", "/api/v3/order", **order)).body["fills"]
            assert (fill["commissionAsset"], fill["commission"]) == ("BNB", "0.00900000")  # 6000 x 0.00075 / 500
            held = {each["asset"]: each for each in (await client.signed("GET", "/api/v3/account")).body["balances"]}
            assert held["BNB"]["free"] == "0.99100000"
            assert held["BTC"]["free"] == "2.10000000"

    asyncio.run(run())
