"""Whose account a key is of: the number by which the exchange calls it."""

from roottrading.adapters.exchange.binance.calls import account_call
from roottrading.adapters.exchange.binance.signing import Credentials
from roottrading.adapters.exchange.binance.single_questions import single_questions


async def account_number(rest: str, credentials: Credentials, rate: int = 1) -> str:
    """Return the account's number, empty where the exchange gives it none. Raises LinkError where it does not answer.

    `rate` is how many of the exchange's seconds pass in one of ours.
    """
    async with single_questions(rest, credentials, rate) as questions:
        answer = await questions.ask(account_call(), "tell whose account the key is of")
    number = answer.told.get("uid") if isinstance(answer.told, dict) else None
    return str(number) if isinstance(number, int) and not isinstance(number, bool) else ""
