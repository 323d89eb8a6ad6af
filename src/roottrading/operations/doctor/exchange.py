"""What the exchange's answers mean: is it there, is its clock ours, and what may the key do?"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from roottrading.adapters.exchange.binance.answers import Answer, NotSent, Silence, Success
from roottrading.adapters.exchange.binance.errors import Failure
from roottrading.adapters.exchange.binance.settings import Places
from roottrading.adapters.exchange.binance.signing import Credentials
from roottrading.adapters.exchange.binance.wire import BalanceReply
from roottrading.domain.money import ZERO, plain
from roottrading.domain.time import MILLISECOND, SECOND
from roottrading.operations.doctor.asking import Heard, Told, ask
from roottrading.operations.doctor.finding import Finding, ok, problem, warning
from roottrading.operations.doctor.reader import WRONG_KEY, judged_reader

HERE: Final = frozenset({"127.0.0.1", "localhost", "::1"})
BINANCE: Final = ".binance.com"
ALIKE: Final = SECOND // 2  # two clocks that differ by less are alike
APART: Final = 2 * SECOND
_SET_CLOCK: Final = "switch time synchronization on (timedatectl set-ntp true, or chrony)"
# Rights that trading does not need, in Binance's words and in ours.
_NEEDLESS: Final = {
    "enableInternalTransfer": "transfer between accounts",
    "permitsUniversalTransfer": "transfer between wallets",
    "enableMargin": "borrow on margin",
    "enableFutures": "trade futures",
    "enableVanillaOptions": "trade options",
    "enablePortfolioMarginTrading": "trade portfolio margin",
}


async def examine_exchange(
    places: Places, credentials: Credentials | None, capital: tuple[str, Decimal], reader: Credentials | None = None
) -> list[Finding]:
    """Ask the exchange, and judge what it says; without a key only what needs none. Never raises.

    `capital` is the asset and the amount of it that is to be traded with, `reader` the portfolio's own key.
    """
    heard = await ask(places, credentials)
    found = list(judged(heard, places.rest, capital))
    if reader is not None and isinstance(heard.ping, Success):
        found += judged_reader(await ask(places, reader), heard.account)
    return found


def judged(heard: Heard, rest: str, capital: tuple[str, Decimal]) -> Iterator[Finding]:
    """Yield a finding for everything that was asked at the address `rest`; what has no answer ends it."""
    yield reach(heard.ping, rest)
    if not isinstance(heard.ping, Success):
        return
    yield encryption(rest)
    yield _socket("WebSocket API", heard.socket)
    yield _socket("market streams", heard.streams)
    yield clock(heard.time, heard.rate)
    if heard.rights is not None:
        yield from rights(heard.rights, rest)
    if heard.account is not None:
        yield account(heard.account)
        yield from funds(heard.account, *capital)


def reach(ping: Answer, rest: str) -> Finding:
    """Judge the first answer of all."""
    check = "exchange"
    if isinstance(ping, Success):
        return ok(check, f"{rest} answers")
    if isinstance(ping, NotSent | Silence):
        words = ping.message if isinstance(ping, NotSent) else ping.reason
        return problem(
            check, f"{rest}: {words}", "check the address, the network, a firewall or proxy, and its status page"
        )
    if ping.status == 451:
        advice = "the exchange's terms decide where it may be used: run it where they allow it"
        return problem(check, f"{rest} does not serve this place (HTTP 451)", advice)
    if ping.status == 403:
        return problem(
            check, f"{rest}: its firewall refuses (HTTP 403)", "wait some minutes; if it stays, use another address"
        )
    if ping.status in {418, 429}:
        wait = f"wait {ping.retry_after} seconds, and " if ping.retry_after else "wait, and "
        advice = f"{wait}see what else asks from this address"
        return problem(check, f"{rest} takes no more questions from this address (HTTP {ping.status})", advice)
    return problem(check, f"{rest}: HTTP {ping.status}", "try again later; check the address and its status page")


def encryption(rest: str) -> Finding:
    """Judge whether orders and balances can be read on the way."""
    address = urlsplit(rest)
    if address.scheme == "https":
        return ok("encryption", "https")
    if address.hostname in HERE:
        return ok("encryption", "none, and the exchange is on this machine")
    return problem("encryption", f"{rest} is not encrypted", "use https: key and orders could be read on the way")


def _socket(check: str, why_not: str) -> Finding:
    if not why_not:
        return ok(check, "connects")
    return problem(
        check, f"no connection ({why_not})", "check its address ([binance] in the settings) and the firewall"
    )


def clock(time: Told | None, rate: int) -> Finding:
    """Judge this machine's clock against the exchange's: orders go by the latter, logs and certificates by ours."""
    check = "clock"
    if time is None:
        return problem(check, "the exchange does not tell its time", "try again; check the address")
    if rate != 1:
        advice = "a recorded market is played there, no real one"
        return warning(check, f"the exchange's clock is {rate} times as fast as this machine's", advice)
    apart = max(0, abs(time.skew) - time.uncertainty)
    side = "behind" if time.skew > 0 else "ahead of"
    text = f"this machine's clock is {_seconds(abs(time.skew))} {side} the exchange's"
    if apart > APART:
        return problem(check, text, _SET_CLOCK)
    return warning(check, text, _SET_CLOCK) if apart > ALIKE else ok(check, text)


def rights(answer: Answer, rest: str) -> Iterator[Finding]:
    """Judge what the key may do (apiRestrictions): trade yes, withdraw no, and only from known addresses."""
    check = "key"
    if not isinstance(answer, Success) or not isinstance(answer.told, dict):
        yield _untold_rights(answer, rest)
        return
    told: dict[str, Any] = answer.told
    if told.get("enableWithdrawals") is False:
        yield ok(check, "it cannot withdraw")
    else:
        said = "it may withdraw" if told.get("enableWithdrawals") is True else "nothing says that it cannot withdraw"
        yield problem(check, said, "make a key without the right to withdraw, and delete this one")
    if told.get("enableReading") is True and told.get("enableSpotAndMarginTrading") is True:
        yield ok(check, "it may read and trade")
    else:
        advice = 'give it "Enable Reading" and "Enable Spot & Margin Trading"'
        yield problem(check, "it may not both read and trade", advice)
    needless = [words for name, words in _NEEDLESS.items() if told.get(name) is True]
    if needless:
        yield warning(check, f"it may also {', '.join(needless)}", "take away what spot trading does not need")
    if told.get("ipRestrict") is True:
        yield ok(check, "it works from listed addresses only")
    else:
        advice = "restrict it to this machine's address: who steals it then cannot use it"
        yield warning(check, "it works from every address", advice)


def _untold_rights(answer: Answer, rest: str) -> Finding:
    check = "key"
    if isinstance(answer, Failure) and answer.code in WRONG_KEY:
        return problem(
            check, f"the exchange refuses it ({answer.code})", "check key, secret and the addresses it may be used from"
        )
    host = urlsplit(rest).hostname or ""
    simulated = host in HERE or not host.endswith(BINANCE) or host.startswith("demo-")
    if isinstance(answer, Failure) and answer.status == 404 and simulated:
        advice = "test exchanges do not; see to it yourself that it cannot withdraw"
        return warning(check, "the exchange does not tell what it may do", advice)
    said = f"HTTP {answer.status}, {answer.code}" if isinstance(answer, Failure) else "no answer"
    return problem(check, f"what it may do cannot be learned ({said})", "try again; without that nothing is traded")


def account(answer: Answer) -> Finding:
    """Judge whether the account may trade."""
    check = "account"
    if isinstance(answer, Failure) and answer.code in WRONG_KEY:
        return problem(check, f"the exchange refuses the key ({answer.code})", "check key, secret and its rights")
    if not isinstance(answer, Success) or not isinstance(answer.told, dict):
        return problem(check, "the account cannot be looked at", "try again; check the key's right to read")
    if answer.told.get("canTrade") is not True:
        return problem(check, "the account may not trade", "ask the exchange why; its mails may say it")
    return ok(check, "it may trade")


def funds(answer: Answer, asset: str, capital: Decimal) -> Iterator[Finding]:
    """Say whether the account has what is to be traded with; a part of it may be in positions."""
    told = answer.told if isinstance(answer, Success) else None
    listed = told.get("balances") if isinstance(told, dict) else None
    try:
        held = {each.asset: each.free + each.locked for each in msgspec.convert(listed, list[BalanceReply])}
    except (msgspec.ValidationError, ArithmeticError):
        return
    has = held.get(asset, ZERO)
    if has >= capital:
        yield ok("funds", f"the account has {plain(has)} {asset}, account.capital is {plain(capital)}")
    else:
        advice = "set what the bot may use with --capital, or deposit; with a position open this may be as it should"
        yield warning("funds", f"the account has {plain(has)} {asset}, account.capital is {plain(capital)}", advice)


def _seconds(duration: int) -> str:
    return f"{duration // MILLISECOND} ms" if duration < 10 * SECOND else f"{duration // SECOND} s"
