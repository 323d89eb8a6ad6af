"""Whose account a key is of."""

import pytest

from roottrading.adapters.exchange.binance.account_number import account_number
from roottrading.adapters.exchange.binance.signing import credentials
from roottrading.adapters.exchange.link import LinkError
from tests.unit.adapters.exchange.binance.scripted import KEY, SECRET, Scripted, no, ok, run

pytestmark = pytest.mark.usefixtures("either_loop")

ACCOUNT = "GET account"


@pytest.mark.parametrize(
    ("told", "number"),
    [({"uid": 354_937_868, "balances": []}, "354937868"), ({"balances": []}, ""), ({"uid": True}, ""), ([], "")],
)
def test_the_exchange_numbers_accounts(told: object, number: str) -> None:
    async def test(exchange: Scripted) -> None:
        exchange.answer(ACCOUNT, ok(told))
        assert await account_number(exchange.endpoints.rest, credentials(KEY, SECRET)) == number

    run(test)


def test_a_key_that_is_refused() -> None:
    async def test(exchange: Scripted) -> None:
        exchange.answer(ACCOUNT, no(-2015, "Invalid API-key", status=401))
        with pytest.raises(LinkError, match=r"does not tell whose account the key is of \(-2015"):
            await account_number(exchange.endpoints.rest, credentials(KEY, SECRET))

    run(test)
