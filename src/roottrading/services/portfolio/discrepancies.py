"""The books against the exchange's account: what is missing there. Coins beyond the books are foreign (7.1)."""

from collections.abc import Iterable
from decimal import Decimal

from msgspec import Struct

from roottrading.domain.balance import Balance
from roottrading.domain.money import ZERO, plain


class Discrepancy(Struct, frozen=True, gc=False):
    """An asset of which the account holds less than the books say the bot owns."""

    asset: str
    books: Decimal
    account: Decimal

    def __str__(self) -> str:
        return f"{self.asset}: the books say {plain(self.books)}, the account holds {plain(self.account)}"


def check_against(own: Iterable[Balance], account: Iterable[Balance]) -> tuple[Discrepancy, ...]:
    """Return where the account holds less than the bot's share, by asset; an asset it does not name counts as 0."""
    held = {balance.asset: balance.free + balance.locked for balance in account}
    found = []
    for balance in sorted(own, key=lambda balance: balance.asset):
        owned = balance.free + balance.locked
        if held.get(balance.asset, ZERO) < owned:
            found.append(Discrepancy(balance.asset, owned, held.get(balance.asset, ZERO)))
    return tuple(found)
