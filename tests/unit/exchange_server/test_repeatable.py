"""Same market, same requests: same answers, same ids."""

import asyncio
import json
import random
from decimal import Decimal
from typing import Any

from roottrading.exchange_server.endpoint import Endpoint
from roottrading.exchange_server.errors import ApiError
from roottrading.exchange_server.parameters import Parameters
from roottrading.exchange_server.server import ExchangeServer, Inbound
from roottrading.exchange_server.user_events import UserEvent
from roottrading.exchange_server.wording import microseconds
from tests.unit.exchange_server.serving import KEY, OTHER_KEY, new_server
from tests.unit.exchange_server.test_fuzz import some


def played(seed: int) -> tuple[list[str], list[Any]]:
    """Return all answers and all events of a random run."""
    chance = random.Random(seed)
    server, clock = new_server()
    heard: list[Any] = []

    def hear(account: str) -> Any:
        def note(event: UserEvent) -> None:
            heard.append((account, event.shown(microseconds)))

        return note

    for account in (KEY, OTHER_KEY):
        server.subscribers.add(account, hear(account))
    endpoints = sorted((each for each in server.rest.values() if each.trades), key=lambda each: each.words)
    answers: list[str] = []

    async def run() -> None:
        for number in range(1500):
            if number % 20 == 0:
                clock.time += 9_000_000
                price = Decimal(chance.choice((58_500, 59_500, 60_000, 60_500, 61_500)))
                server.venue.price_moved("BTCUSDT", price, Decimal(20), clock.time)
            account = chance.choice((KEY, OTHER_KEY))
            answers.append(await answered(server, chance.choice(endpoints), account, str(number), chance))

    asyncio.run(run())
    return answers, heard


async def answered(
    server: ExchangeServer, endpoint: Endpoint, account: str, address: str, chance: random.Random
) -> str:
    given = {"timestamp": str(server.clock.now() // 1000)} | some(endpoint, chance)
    inbound = Inbound(endpoint, Parameters(given), address, account, b"", False, account)
    try:
        return json.dumps(await server.answer(inbound))
    except ApiError as error:
        return json.dumps(error.body())


def test_a_run_is_repeated_to_the_letter() -> None:
    answers, heard = played(7)
    assert len(heard) > 100, "hardly anything happened"
    assert played(7) == (answers, heard)
    assert played(8)[0] != answers
