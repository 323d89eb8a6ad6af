"""The books against the exchange's account: what is missing there. Coins beyond the books are foreign (7.1)."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final

from msgspec import Struct

from roottrading.domain.balance import Balance
from roottrading.domain.money import plain
from roottrading.domain.time import SECOND, Time
from roottrading.services.portfolio.state import AccountTotal, Books

SETTLES: Final = 10 * SECOND  # a fill and the balance that it changed come by two ways: within this time both are in


class Discrepancy(Struct, frozen=True, gc=False):
    """An asset of which the account holds less than the books say the bot owns."""

    asset: str
    books: Decimal
    account: Decimal

    def __str__(self) -> str:
        return f"{self.asset}: the books say {plain(self.books)}, the account holds {plain(self.account)}"


def check_against(own: Iterable[Balance], account: Mapping[str, AccountTotal]) -> tuple[Discrepancy, ...]:
    """Return where the account holds less than the bot's share, by asset.

    An asset that the exchange never spoke of is unknown, not missing.
    """
    found = []
    for balance in own:
        owned, held = balance.free + balance.locked, account.get(balance.asset)
        if held is not None and held.total < owned:
            found.append(Discrepancy(balance.asset, owned, held.total))
    return tuple(sorted(found, key=lambda each: each.asset))


def is_certain(asset: str, books: Books, account: Mapping[str, AccountTotal], at: Time) -> bool:
    """Say whether what is missing at T is no fill that one side knows of and the other does not yet.

    It was missing at the last T, too, or neither side changed lately.
    """
    return asset in books.short or max(account[asset].at, books.filled_at) <= at - SETTLES
