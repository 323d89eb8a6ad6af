"""What the books are worth at given closes."""

from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal

from roottrading.domain.balance import Balance
from roottrading.domain.instrument import Instrument
from roottrading.domain.money import ZERO, quotient
from roottrading.domain.time import Time
from roottrading.messages.events import PortfolioUpdated, PositionValued
from roottrading.services.portfolio.journal import Accounts
from roottrading.services.portfolio.state import Books, ForeignFees, Holding, Lock


def balances_of(
    books: Books,
    holdings: Iterable[Holding],
    locks: Iterable[Lock],
    instruments: Mapping[str, Instrument],
    quote_asset: str,
) -> tuple[Balance, ...]:
    """Return the bot's own share of the account, quote first, then base assets by name; dust is free."""
    locked: dict[str, Decimal] = {}
    for lock in locks:
        locked[lock.asset] = locked.get(lock.asset, ZERO) + lock.amount
    owned: dict[str, Decimal] = {}
    for holding in holdings:
        asset = instruments[holding.symbol].base_asset
        owned[asset] = owned.get(asset, ZERO) + holding.quantity + holding.dust_quantity
    cash_locked = locked.get(quote_asset, ZERO)
    balances = [Balance(quote_asset, books.cash - cash_locked, cash_locked)]
    for asset in sorted(owned):
        held = locked.get(asset, ZERO)
        if owned[asset] or held:
            balances.append(Balance(asset, owned[asset] - held, held))
    return tuple(balances)


def value_positions(holdings: Collection[Holding], closes: Mapping[str, Decimal]) -> tuple[PositionValued, ...]:
    """Return everything held, dust too, at the closes (where there is none: at the last fill's price), by symbol."""
    valued = []
    for holding in sorted(holdings, key=_symbol_of) if len(holdings) > 1 else holdings:
        quantity = holding.quantity
        whole = quantity + holding.dust_quantity
        if not whole and not holding.cycle_id:  # an open cycle that is sold out still has its cost
            continue
        valued.append(
            PositionValued(
                holding.symbol,
                holding.cycle_id,
                quantity,
                quotient(holding.paid, holding.bought) if holding.bought else None,
                holding.cost + holding.other_fees + holding.dust_cost,
                whole * closes.get(holding.symbol, holding.price),
                holding.dust_quantity,
            )
        )
    return tuple(valued)


def _symbol_of(holding: Holding) -> str:
    return holding.symbol


def portfolio_at(
    at: Time,
    books: Books,
    balances: tuple[Balance, ...],
    positions: tuple[PositionValued, ...],
    discrepancies: tuple[str, ...],
) -> PortfolioUpdated:
    """Return the whole state as a message; unrealized profit is what is held less what it has cost."""
    exposure = cost = ZERO
    for position in positions:
        exposure += position.value
        cost += position.cost
    return PortfolioUpdated(
        at,
        balances,
        books.cash + exposure,
        books.cash,
        exposure,
        books.realized - books.settled,
        books.fees,
        discrepancies,
        exposure - cost,
        positions,
    )


def accounts_in(
    books: Books,
    holdings: Iterable[Holding],
    foreign_fees: Iterable[ForeignFees],
    instruments: Mapping[str, Instrument],
    quote_asset: str,
) -> Accounts:
    """Return every account's balance by (account, asset) as `journal.Posting` names them; empty ones are left out."""
    amounts = [
        ("capital", quote_asset, -books.capital),
        ("cash", quote_asset, books.cash),
        ("realized", quote_asset, -books.realized),
        ("fees", quote_asset, books.charged),
    ]
    for holding in holdings:
        base, symbol = instruments[holding.symbol].base_asset, holding.symbol
        amounts += [
            (f"position:{symbol}", base, holding.quantity),
            (f"position:{symbol}", quote_asset, holding.cost),
            (f"dust:{symbol}", base, holding.dust_quantity),
            (f"dust:{symbol}", quote_asset, holding.dust_cost),
            ("market", base, -holding.from_market),
            ("owner", base, -holding.from_owner),
            ("fees", base, holding.all_base_fees),
        ]
    for fees in foreign_fees:
        amounts += [("fees", fees.asset, fees.amount), ("owner", fees.asset, -fees.amount)]
    accounts: Accounts = {}
    for account, asset, amount in amounts:
        accounts[account, asset] = accounts.get((account, asset), ZERO) + amount
    return {key: amount for key, amount in accounts.items() if amount}
