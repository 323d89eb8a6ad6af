"""Double entry: every booking as postings that sum to zero in each asset, and the trial balance over them."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from msgspec import Struct

from roottrading.domain.money import ZERO
from roottrading.services.portfolio.state import JournalEntry

Accounts = dict[tuple[str, str], Decimal]


class Posting(Struct, frozen=True, gc=False):
    """An amount of an asset into (above 0) or out of (below 0) an account.

    Accounts of the bot: `cash`, `position:SYMBOL` and `dust:SYMBOL` (quantity in base, cost in quote). Where it came
    from or went to: `capital` and `realized` (quote), `market` (base bought less sold), `owner` (coins that were
    adopted, or that paid a fee in BNB), `fees` (each in its asset).
    """

    account: str
    asset: str
    amount: Decimal


def postings_of(entry: JournalEntry, base_asset: str, quote_asset: str) -> tuple[Posting, ...]:
    """Return the postings of a booking; they sum to zero in each asset."""
    position, dust = f"position:{entry.symbol}", f"dust:{entry.symbol}"
    quantity, amount = entry.quantity, entry.amount
    match entry.kind:
        case "capital":
            return (Posting("cash", quote_asset, amount), Posting("capital", quote_asset, -amount))
        case "adopted":
            return (
                Posting(position, base_asset, quantity),
                Posting("owner", base_asset, -quantity),
                Posting(position, quote_asset, amount),
                Posting("capital", quote_asset, -amount),
            )
        case "lent":
            return (
                Posting(position, base_asset, quantity),
                Posting(dust, base_asset, -quantity),
                Posting(position, quote_asset, amount),
                Posting(dust, quote_asset, -amount),
            )
        case "closed":
            return (
                Posting(dust, base_asset, quantity),
                Posting(position, base_asset, -quantity),
                Posting(dust, quote_asset, amount),
                Posting("realized", quote_asset, -entry.profit),
                Posting(position, quote_asset, entry.profit - amount),
            )
        case "bought" | "sold":
            sign = 1 if entry.kind == "bought" else -1
            payer = {base_asset: position, quote_asset: "cash"}.get(entry.fee_asset, "owner")
            return (
                Posting(position, base_asset, sign * quantity),
                Posting("market", base_asset, -sign * quantity),
                Posting(position, quote_asset, sign * amount),
                Posting("cash", quote_asset, -sign * amount),
                Posting("fees", entry.fee_asset, entry.fee),
                Posting(payer, entry.fee_asset, -entry.fee),
            )


def accounts_of(journal: Iterable[JournalEntry], base_assets: Mapping[str, str], quote_asset: str) -> Accounts:
    """Return every account's balance by (account, asset), from the journal alone; empty ones are left out."""
    accounts: Accounts = {}
    for entry in journal:
        for posting in postings_of(entry, base_assets.get(entry.symbol, ""), quote_asset):
            key = (posting.account, posting.asset)
            accounts[key] = accounts.get(key, ZERO) + posting.amount
    return {key: amount for key, amount in accounts.items() if amount}


def trial_balance(accounts: Mapping[tuple[str, str], Decimal]) -> dict[str, Decimal]:
    """Return each asset's sum over all accounts: zero in every asset, or the books are wrong."""
    sums: dict[str, Decimal] = {}
    for (_, asset), amount in accounts.items():
        sums[asset] = sums.get(asset, ZERO) + amount
    return sums
