"""Laws of the books over random trading: they balance, the journal explains them, and a restart changes nothing."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from roottrading.domain.ids import cycle_id
from roottrading.domain.money import ZERO, floor_to
from roottrading.messages.envelope import Envelope
from roottrading.messages.events import OrderFilled, TradeCycleMoved
from roottrading.messages.service import AccountAdjusted, DeadlineDue, Decision, Input, InstantComplete, Row
from roottrading.services.portfolio import Portfolio, state
from roottrading.services.portfolio.journal import accounts_of, postings_of, trial_balance
from tests.unit.services.portfolio.facts import INSTRUMENTS, D, fill, filled, locked, moved

BASES = {symbol: instrument.base_asset for symbol, instrument in INSTRUMENTS.items()}
RATE = D("0.001")

steps = st.lists(
    st.tuples(
        st.sampled_from(sorted(INSTRUMENTS)),
        st.sampled_from(["buy", "buy", "sell", "close", "manual", "capital", "adopt", "later", "lock", "instant"]),
        st.integers(1, 9_999_999),  # a price in cents
        st.integers(1, 5_000),  # a quantity in steps
        st.sampled_from(["received", "received", "BNB"]),
    ),
    max_size=60,
)


def inputs(  # noqa: PLR0912 - an action, a branch
    script: list[tuple[str, str, int, int, str]],
) -> Iterator[tuple[int, Input]]:
    """Turn a random script into facts that a trader could say: nothing is sold that is not owned."""
    owned = dict.fromkeys(INSTRUMENTS, ZERO)  # the open cycle's
    dust = dict.fromkeys(INSTRUMENTS, ZERO)
    cycle: dict[str, str] = {}
    waiting: dict[str, tuple[str, Decimal]] = {}
    sold: set[str] = set()
    for now, (symbol, action, cents, whole, payer) in enumerate(script, 1):
        price, quantity = D(cents).scaleb(-2), D(whole).scaleb(-3)
        base = BASES[symbol]
        match action:
            case "buy":
                if symbol not in cycle:
                    cycle[symbol], owned[symbol], dust[symbol] = f"c{now}", dust[symbol], ZERO
                asset = base if payer == "received" else "BNB"
                fee = floor_to(quantity * RATE, D("1E-8"))
                yield (
                    now,
                    filled(fill(now, cycle[symbol], symbol, "BUY", price, quantity, fee, asset, now, fee * price)),
                )
                owned[symbol] += quantity - (fee if asset == base else ZERO)
            case "sell" if symbol in cycle:
                quantity = floor_to(min(quantity, owned[symbol]), D("0.001"))
                if quantity:
                    asset = "USDT" if payer == "received" else "BNB"
                    fee = floor_to(quantity * price * RATE, D("1E-8"))
                    yield now, filled(fill(now, cycle[symbol], symbol, "SELL", price, quantity, fee, asset, now, fee))
                    owned[symbol] -= quantity
                    sold.add(symbol)
            case "close" if symbol in sold and symbol in cycle:
                yield now, moved(cycle.pop(symbol), symbol, "closed", now)
                dust[symbol], owned[symbol] = owned[symbol], ZERO
                sold.discard(symbol)
                if symbol in waiting:  # for the symbol to be free
                    cycle[symbol], coins = waiting.pop(symbol)
                    yield now, moved(cycle[symbol], symbol, "open", now)
                    owned[symbol], dust[symbol] = dust[symbol] + coins, ZERO
            case "capital":
                yield now, AccountAdjusted(now, "capital", "", quantity, None, now)
            case "later":
                yield now, AccountAdjusted(now, "capital", "", quantity, None, now + 1)
                yield now + 1, DeadlineDue(f"adjustment/{now}")
            case "adopt" if symbol not in waiting:
                yield now, AccountAdjusted(now, "adopt", symbol, quantity, price, now)
                adopting = cycle_id("sim", f"adopt/{now}")
                if symbol in cycle:
                    waiting[symbol] = adopting, quantity
                else:
                    yield now, moved(adopting, symbol, "open", now)
                    cycle[symbol], owned[symbol], dust[symbol] = adopting, dust[symbol] + quantity, ZERO
            case "lock":
                yield now, locked(f"o{whole % 3}", symbol, "SELL", str(quantity if cents % 2 else 0))
            case "instant":
                yield now, InstantComplete(now, {symbol: price})


def fold(kept: dict[tuple[str, tuple[Any, ...]], Row], decision: Decision) -> None:
    for row in decision.rows:
        if row.values is None:
            del kept[row.table, row.key]
        else:
            kept[row.table, row.key] = row


def state_rows(kept: dict[tuple[str, tuple[Any, ...]], Row]) -> list[Row]:
    tables = {table.name for table in state.TABLES if table.kept == "state"}
    return [row for row in kept.values() if row.table in tables]


def journal(kept: dict[tuple[str, tuple[Any, ...]], Row]) -> list[state.JournalEntry]:
    return [row.values for row in kept.values() if row.table == state.JOURNAL]


@settings(deadline=None, max_examples=150)
@given(steps, st.integers(1, 100_000))
def test_books_balance_and_the_journal_explains_every_account(
    script: list[tuple[str, str, int, int, str]], capital: int
) -> None:
    books = Portfolio("sim", "USDT", D(capital), INSTRUMENTS)
    kept: dict[tuple[str, tuple[Any, ...]], Row] = {}
    for now, given_ in inputs(script):
        fold(kept, books.decide(given_, now))
        assert not any(trial_balance(books.accounts()).values())
    entries = journal(kept)
    assert [entry.number for entry in entries] == list(range(1, len(entries) + 1))
    for entry in entries:
        sums: dict[str, Decimal] = {}
        for posting in postings_of(entry, BASES.get(entry.symbol, ""), "USDT"):
            sums[posting.asset] = sums.get(posting.asset, ZERO) + posting.amount
        assert not any(sums.values()), entry
    if entries:
        assert accounts_of(entries, BASES, "USDT") == books.accounts()


@settings(deadline=None, max_examples=150)
@given(steps, st.integers(0, 60))
def test_restored_books_equal_the_live_ones_and_go_on_alike(
    script: list[tuple[str, str, int, int, str]], stop: int
) -> None:
    live = Portfolio("sim", "USDT", D(1000), INSTRUMENTS)
    kept: dict[tuple[str, tuple[Any, ...]], Row] = {}
    facts = list(inputs(script))
    for now, given_ in facts[:stop]:
        fold(kept, live.decide(given_, now))
    fresh = Portfolio("sim", "USDT", D(1000), INSTRUMENTS)
    fresh.restore(state_rows(kept))
    assert fresh.state() == live.state()
    for now, given_ in facts[stop:]:
        assert fresh.decide(given_, now) == live.decide(given_, now)
    assert fresh.state() == live.state()


@settings(deadline=None, max_examples=150)
@given(steps)
def test_equity_is_capital_plus_profit_plus_what_the_owner_paid(script: list[tuple[str, str, int, int, str]]) -> None:
    books = Portfolio("sim", "USDT", D(1000), INSTRUMENTS)
    capital, owner_paid = D(1000), ZERO
    wanted: dict[str, Decimal] = {}
    for now, given_ in inputs(script):
        books.decide(given_, now)
        if isinstance(given_, AccountAdjusted) and given_.price is None:
            capital += given_.amount
        elif isinstance(given_, AccountAdjusted):
            wanted[cycle_id("sim", f"adopt/{given_.number}")] = given_.amount * (given_.price or ZERO)
        elif isinstance(given_, Envelope) and isinstance(given_.body, TradeCycleMoved):
            capital += wanted.pop(given_.body.cycle_id, ZERO)
        elif isinstance(given_, Envelope) and isinstance(given_.body, OrderFilled):
            execution = given_.body.fill
            owner_paid += execution.fee_in_quote if execution.fee_asset == "BNB" else ZERO
    books.decide(locked("last", "BTCUSDT", "SELL", "0.5"), 98)  # so that an update is due
    (message,) = books.decide(InstantComplete(99, {"BTCUSDT": D(7), "ETHUSDT": D(3)}), 99).messages
    said: Any = message.body
    assert said.equity == capital + said.realized + said.unrealized + owner_paid
    assert said.equity == said.cash + said.exposure
    free_and_locked = {balance.asset: balance.free + balance.locked for balance in said.balances}
    assert free_and_locked["USDT"] == said.cash
    assert said.exposure == free_and_locked.get("BTC", ZERO) * 7 + free_and_locked.get("ETH", ZERO) * 3
