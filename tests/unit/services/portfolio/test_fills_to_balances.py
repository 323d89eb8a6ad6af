"""The portfolio by hand-computed examples: every figure below was worked out on paper from the rules."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from roottrading.domain.balance import Balance
from roottrading.domain.ids import cycle_id
from roottrading.domain.time import MINUTE, SECOND
from roottrading.messages.events import PortfolioUpdated
from roottrading.messages.exchange import AccountChanged, InstrumentChanged
from roottrading.messages.service import NOTHING, AccountAdjusted, DeadlineDue, InstantComplete, Resumed
from roottrading.services.portfolio import Portfolio
from roottrading.services.portfolio.booking import BooksError
from tests.unit.services.portfolio.facts import INSTRUMENTS, D, fill, filled, locked, moved


def portfolio() -> Portfolio:
    return Portfolio("sim", "USDT", D(1000), INSTRUMENTS)


def update(books: Portfolio, at: int = 60, **closes: str) -> PortfolioUpdated:
    decision = books.decide(InstantComplete(at, {symbol: D(close) for symbol, close in closes.items()}), at)
    (message,) = decision.messages
    assert (message.channel, message.key) == ("portfolio.updates", "account")
    assert isinstance(message.body, PortfolioUpdated)
    return message.body


def test_opening_balance_is_said_once() -> None:
    books = portfolio()
    first = update(books)
    assert first.balances == (Balance("USDT", D(1000), D(0)),)
    assert (first.equity, first.cash, first.exposure, first.realized, first.fees) == (
        D(1000),
        D(1000),
        D(0),
        D(0),
        D(0),
    )
    assert books.decide(InstantComplete(120, {}), 120) is NOTHING


def test_bought_base_is_valued_at_the_close_net_of_its_fee() -> None:
    books = portfolio()
    books.decide(filled(fill(1, "c1", "BTCUSDT", "BUY", "100", "2.005", "0.002005", "BTC")), 5)
    said = update(books, BTCUSDT="110")
    # paid 200.5; owns 2.005 - 0.002005 = 2.002995, worth 220.32945 at 110
    assert said.cash == D("799.5")
    assert said.exposure == D("220.32945")
    assert said.equity == D("1019.82945")
    assert said.unrealized == D("19.82945")
    assert said.fees == D("0.2005")
    assert said.balances == (Balance("USDT", D("799.5"), D(0)), Balance("BTC", D("2.002995"), D(0)))
    (position,) = said.positions
    assert (position.symbol, position.cycle_id, position.average_entry_price) == ("BTCUSDT", "c1", D(100))


def test_a_cycle_leaves_its_profit_and_its_dust_and_the_next_takes_the_dust_over() -> None:
    books = portfolio()
    books.decide(filled(fill(1, "c1", "BTCUSDT", "BUY", "100", "2.005", "0.002005", "BTC")), 5)
    books.decide(filled(fill(2, "c1", "BTCUSDT", "SELL", "110", "2.002", "0.22022", "USDT")), 9)
    books.decide(moved("c1", "BTCUSDT", "closed"), 9)
    said = update(books, BTCUSDT="110")
    # left 0.000995 of 2.002995 for 200.5: cost 200.5 * 0.000995 / 2.002995 = 0.0995995996... down to 0.09959959
    # pnl = 220.22 - 200.5 - 0.22022 + 0.09959959
    assert said.realized == D("19.59937959")
    assert said.cash == D("1019.49978")
    assert said.positions[0].dust == D("0.000995")
    assert said.positions[0].cost == D("0.09959959")
    assert said.positions[0].average_entry_price is None
    assert said.unrealized == D("0.000995") * 110 - D("0.09959959")
    assert said.equity == 1000 + said.realized + said.unrealized

    books.decide(filled(fill(3, "c2", "BTCUSDT", "BUY", "50", "1", "0.001", "BTC")), 70)
    books.decide(filled(fill(4, "c2", "BTCUSDT", "SELL", "50", "0.999995", "0.04999975", "USDT")), 80)
    books.decide(moved("c2", "BTCUSDT", "closed"), 80)
    said = update(books, BTCUSDT="50")
    # lent: 0.000995 for 0.09959959; owns 0.999 + 0.000995 = 0.999995, all sold: no dust left
    assert said.realized == D("19.59937959") + D("49.99975") - 50 - D("0.04999975") - D("0.09959959")
    assert said.positions == ()
    assert said.equity == said.cash == 1000 + said.realized


def test_fees_in_bnb_lower_the_profit_not_the_cash() -> None:
    books = portfolio()
    books.decide(filled(fill(1, "c1", "ETHUSDT", "BUY", "10", "3", "0.0001", "BNB", fee_in_quote="0.0225")), 5)
    books.decide(filled(fill(2, "c1", "ETHUSDT", "SELL", "12", "3", "0.00012", "BNB", fee_in_quote="0.027")), 6)
    books.decide(moved("c1", "ETHUSDT", "closed"), 6)
    said = update(books)
    assert said.cash == said.equity == 1006
    assert said.realized == D("5.9505")
    assert said.fees == D("0.0495")
    assert books.accounts()["owner", "BNB"] == D("-0.00022")


def test_a_lock_moves_nothing_but_marks_it() -> None:
    books = portfolio()
    books.decide(locked("o1", "BTCUSDT", "BUY", "300.9"), 1)
    assert update(books).balances == (Balance("USDT", D("699.1"), D("300.9")),)
    books.decide(filled(fill(1, "c1", "BTCUSDT", "BUY", "100", "3", "0.003", "BTC")), 2)
    books.decide(locked("o1", "BTCUSDT", "BUY", "0"), 2)
    books.decide(locked("o2", "BTCUSDT", "SELL", "2.997"), 2)
    assert books.decide(locked("o2", "BTCUSDT", "SELL", "2.997"), 2) is NOTHING
    assert books.decide(locked("o3", "BTCUSDT", "SELL", "0"), 2) is NOTHING
    said = update(books, BTCUSDT="100")
    assert said.balances == (Balance("USDT", D(700), D(0)), Balance("BTC", D(0), D("2.997")))
    assert said.equity == D("999.7")


def test_capital_is_added_when_it_takes_effect_and_only_once() -> None:
    books = portfolio()
    adjusted = AccountAdjusted(1, "capital", "", D(500), None, 100)
    decision = books.decide(adjusted, 40)
    assert decision.deadlines == (("adjustment/1", 100),)
    assert update(books).cash == 1000
    assert books.decide(adjusted, 41) is NOTHING
    books.decide(DeadlineDue("adjustment/1"), 100)
    said = update(books, at=120)
    assert (said.cash, said.equity, said.unrealized) == (D(1500), D(1500), D(0))
    assert books.decide(DeadlineDue("adjustment/1"), 101) is NOTHING
    books.decide(AccountAdjusted(2, "capital", "", D(-200), None, 130), 130)
    assert update(books, at=180).cash == 1300


def test_adopted_coins_cost_what_the_owner_said_and_leave_no_cash() -> None:
    books = portfolio()
    adopting = cycle_id("sim", "adopt/1")
    books.decide(AccountAdjusted(1, "adopt", "ETHUSDT", D(2), D(50), 10), 10)
    books.decide(moved(adopting, "ETHUSDT", "open", 11), 11)
    said = update(books, ETHUSDT="55")
    assert (said.cash, said.exposure, said.equity, said.unrealized) == (D(1000), D(110), D(1110), D(10))
    books.decide(filled(fill(1, adopting, "ETHUSDT", "SELL", "60", "2", "0.12", "USDT")), 12)
    books.decide(moved(adopting, "ETHUSDT", "closed"), 12)
    said = update(books)
    assert (said.realized, said.cash, said.exposure) == (D("19.88"), D("1119.88"), D(0))
    with pytest.raises(BooksError, match="without a price"):
        books.decide(AccountAdjusted(2, "adopt", "ETHUSDT", D(2), None, 10), 10)
    with pytest.raises(BooksError, match="adjustment 3 adopts XRPUSDT"):
        portfolio().decide(AccountAdjusted(3, "adopt", "XRPUSDT", D(2), D(1), 10), 10)


def test_coins_are_the_owners_until_the_cycle_that_adopts_them_opens() -> None:
    books = portfolio()
    books.decide(filled(fill(1, "c1", "ETHUSDT", "BUY", "50", "4", "0", "ETH")), 5)
    wish = books.decide(AccountAdjusted(1, "adopt", "ETHUSDT", D(2), D(40), 10), 10)
    assert "account_adjustments" not in {row.table for row in wish.rows}
    said = update(books, ETHUSDT="55")
    assert (said.cash, said.exposure) == (D(800), D(220))  # not yet
    assert books.decide(moved("c1", "ETHUSDT", "open", 11), 11) is NOTHING  # another cycle's word
    books.decide(filled(fill(2, "c1", "ETHUSDT", "SELL", "60", "4", "0.24", "USDT")), 12)
    books.decide(moved("c1", "ETHUSDT", "closed", 12), 12)
    assert update(books).realized == D("39.76")
    opened = books.decide(moved(cycle_id("sim", "adopt/1"), "ETHUSDT", "open", 13), 13)
    (kept,) = (row.values for row in opened.rows if row.table == "account_adjustments")
    assert kept == AccountAdjusted(1, "adopt", "ETHUSDT", D(2), D(40), 13)  # in force from here on
    said = update(books, ETHUSDT="55")
    assert (said.cash, said.exposure, said.realized) == (D("1039.76"), D(110), D("39.76"))


def test_a_cycle_sold_by_hand_ends_when_nothing_sellable_is_left() -> None:
    books = portfolio()
    books.decide(filled(fill(1, "c1", "BTCUSDT", "BUY", "100", "1", "0.001", "BTC")), 5)
    books.decide(moved("c1", "BTCUSDT", "manual"), 6)
    assert books.decide(moved("c1", "BTCUSDT", "manual"), 6) is NOTHING
    books.decide(filled(fill(2, "c1", "BTCUSDT", "SELL", "100", "0.5", "0.05", "USDT")), 7)
    assert update(books).realized == 0
    books.decide(filled(fill(3, "c1", "BTCUSDT", "SELL", "100", "0.498", "0.0498", "USDT")), 8)
    said = update(books)
    # 0.001 BTC at 100 is below the minimum notional: dust; its cost 100 * 0.001 / 0.999 down = 0.1001001
    assert said.positions[0].dust == D("0.001")
    assert said.realized == D("99.8") - 100 - D("0.0998") + D("0.1001001")
    assert books.decide(moved("c1", "BTCUSDT", "closed"), 9) is NOTHING


def test_the_account_below_the_books_is_a_discrepancy_and_foreign_coins_are_none() -> None:
    books = portfolio()
    books.decide(filled(fill(1, "c1", "BTCUSDT", "BUY", "100", "2", "0.002", "BTC")), 5)
    account = (Balance("USDT", D(700), D(100)), Balance("BTC", D(1), D("0.9")), Balance("DOGE", D(5), D(0)))
    books.decide(AccountChanged("", "", 6, account), 6)
    assert update(books, 20 * SECOND).discrepancies == ("BTC: the books say 1.998, the account holds 1.9",)
    assert books.decide(AccountChanged("", "", 7, account), 7) is NOTHING
    books.decide(AccountChanged("", "", 8, (Balance("BTC", D(50), D(0)),)), 8)
    assert update(books, 40 * SECOND).discrepancies == ()


def test_a_fill_that_one_side_knows_of_first_is_no_discrepancy() -> None:
    books = portfolio()
    books.decide(AccountChanged("", "", 5, (Balance("USDT", D(1000), D(0)),)), 5)
    assert update(books, MINUTE).discrepancies == ()
    bought = (Balance("USDT", D(800), D(0)), Balance("BTC", D("1.998"), D(0)))
    books.decide(AccountChanged("", "", 2 * MINUTE - SECOND, bought), 2 * MINUTE - SECOND)
    assert update(books, 2 * MINUTE).discrepancies == ()  # the fill is on its way
    books.decide(filled(fill(1, "c1", "BTCUSDT", "BUY", "100", "2", "0.002", "BTC")), 2 * MINUTE)
    assert update(books, 3 * MINUTE).discrepancies == ()
    assert books.decide(InstantComplete(4 * MINUTE, {}), 4 * MINUTE) is NOTHING


def test_what_is_missing_at_two_instants_is_a_discrepancy_whatever_moves() -> None:
    books = portfolio()
    missing = ("USDT: the books say 1000, the account holds 900",)
    for minute, held in enumerate((900, 800, 900), start=1):
        at = minute * MINUTE - SECOND
        books.decide(AccountChanged("", "", at, (Balance("USDT", D(held), D(0)),)), at)
        told = update(books, minute * MINUTE).discrepancies
        assert told == ((), ("USDT: the books say 1000, the account holds 800",), missing)[minute - 1]
    books.decide(AccountChanged("", "", 3 * MINUTE, (Balance("USDT", D(1000), D(0)),)), 3 * MINUTE)
    assert update(books, 4 * MINUTE).discrepancies == ()


def test_what_is_missing_is_looked_at_again_where_nothing_changes_any_more() -> None:
    books = portfolio()
    update(books, MINUTE)
    books.decide(AccountChanged("", "", 2 * MINUTE, (Balance("USDT", D(900), D(0)),)), 2 * MINUTE)
    assert update(books, 2 * MINUTE).discrepancies == ()
    assert update(books, 3 * MINUTE).discrepancies == ("USDT: the books say 1000, the account holds 900",)
    assert books.decide(InstantComplete(4 * MINUTE, {}), 4 * MINUTE) is NOTHING


@pytest.mark.parametrize(
    ("execution", "reason"),
    [
        (fill(2, "c1", "BTCUSDT", "SELL", "100", "2.1", "0.21", "USDT"), "sells 2.1 BTC, but the books hold 1.998"),
        (fill(2, "c2", "BTCUSDT", "BUY", "100", "1", "0.001", "BTC"), "the open cycle in the books is c1"),
        (fill(2, "c3", "ETHUSDT", "SELL", "100", "1", "0.1", "USDT"), "is none: one at a time"),
        (fill(2, "c1", "XRPUSDT", "BUY", "1", "1", "0.1", "XRP"), "fill fill-2 is in XRPUSDT"),
    ],
)
def test_facts_that_contradict_the_books_are_refused(execution: object, reason: str) -> None:
    books = portfolio()
    books.decide(filled(fill(1, "c1", "BTCUSDT", "BUY", "100", "2", "0.002", "BTC")), 5)
    with pytest.raises(BooksError, match=reason):
        books.decide(filled(execution), 6)  # type: ignore[arg-type]


def test_what_is_none_of_its_business_changes_nothing() -> None:
    books = portfolio()
    before = books.state()
    assert books.decide(Resumed(), 0) is NOTHING
    assert books.decide(moved("c1", "BTCUSDT", "expired"), 0) is NOTHING
    assert books.decide(moved("c1", "BTCUSDT", "closed"), 0) is NOTHING
    assert books.decide(DeadlineDue("midnight/3"), 0) is NOTHING
    assert books.state() == before
    assert isinstance(update(books).equity, Decimal)


def sold_by_hand(books: Portfolio) -> None:
    """0.5 of a cycle that a person has taken over is left, 50 worth."""
    books.decide(filled(fill(1, "c1", "BTCUSDT", "BUY", "100", "1", "0", "BTC")), 5)
    books.decide(moved("c1", "BTCUSDT", "manual"), 6)
    books.decide(filled(fill(2, "c1", "BTCUSDT", "SELL", "100", "0.5", "0.05", "USDT")), 9)


def test_filters_that_changed_say_what_is_dust_after_a_restart_too() -> None:
    coarser = replace(INSTRUMENTS["BTCUSDT"], min_notional=D(51))
    unchanged, told = portfolio(), portfolio()
    rows = {row.key: row for row in told.decide(InstrumentChanged("BTCUSDT", "", 1, "TRADING", coarser), 1).rows}
    loaded = portfolio()
    loaded.restore(rows.values())
    assert loaded.state() == told.state()
    for books in (unchanged, told, loaded):
        sold_by_hand(books)
    assert [books.state()["portfolio_holdings"]["BTCUSDT"].dust_quantity for books in (unchanged, told, loaded)] == [
        D(0),
        D("0.5"),
        D("0.5"),
    ]


@pytest.mark.parametrize(
    "event",
    [
        InstrumentChanged("BTCUSDT", "", 1, "HALT"),
        InstrumentChanged("BTCUSDT", "", 1, "TRADING", INSTRUMENTS["BTCUSDT"]),
        InstrumentChanged("DOGEUSDT", "", 1, "TRADING", replace(INSTRUMENTS["BTCUSDT"], symbol="DOGEUSDT")),
    ],
    ids=["status alone", "as known", "another symbol"],
)
def test_what_is_no_news_of_our_filters_is_none(event: InstrumentChanged) -> None:
    assert portfolio().decide(event, 1) is NOTHING
