from collections.abc import Sequence
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from roottrading.adapters.exchange.binance.streams.history import TradesWanted
from roottrading.adapters.exchange.binance.streams.observations import PublicTrade, TradesLost
from roottrading.adapters.exchange.binance.streams.trade_sequence import TradeSequence
from roottrading.domain.time import MILLISECOND


def trade(trade_id: int) -> PublicTrade:
    return PublicTrade("BTCUSDT", True, trade_id, Decimal(1), Decimal(2), trade_id, False, trade_id, trade_id)


def sequence(most: int = 20_000) -> TradeSequence:
    return TradeSequence("BTCUSDT", True, most_refetched=most, again=500 * MILLISECOND)


def ids(said: Sequence[PublicTrade | TradesLost]) -> list[int | tuple[int, int]]:
    return [each.trade_id if isinstance(each, PublicTrade) else (each.first, each.last) for each in said]


def heard(trades: TradeSequence, *told: int) -> list[int | tuple[int, int]]:
    return ids([each for number in told for each in trades.observe(trade(number), 0)])


def test_prints_in_order_are_passed_on_and_twins_dropped() -> None:
    trades = sequence()
    assert heard(trades, 5, 6, 6, 5, 7) == [5, 6, 7]
    assert heard(trades, 9, 9) == []
    assert trades.dropped == 3


def test_nothing_newer_passes_a_hole_until_it_is_filled() -> None:
    trades = sequence()
    assert heard(trades, 5, 9, 10) == [5]
    question = trades.due(0)
    assert question == TradesWanted("BTCUSDT", True, 6, 8)
    assert trades.due(0) is None
    assert ids(trades.answer(question, [trade(6), trade(7), trade(8)], 0)) == [6, 7, 8, 9, 10]
    assert trades.due(0) is None


def test_what_another_connection_brings_meanwhile_is_said_once() -> None:
    trades = sequence()
    heard(trades, 5, 9)
    question = trades.due(0)
    assert question is not None
    assert heard(trades, 7, 6) == [6, 7]
    assert ids(trades.answer(question, [trade(6), trade(7), trade(8)], 0)) == [8, 9]


def test_what_the_history_does_not_keep_is_said_to_be_lost() -> None:
    trades = sequence()
    heard(trades, 5, 12)
    question = trades.due(0)
    assert question is not None
    assert ids(trades.answer(question, [trade(8), trade(10)], 0)) == [(6, 7), 8, (9, 9), 10, (11, 11), 12]


def test_a_hole_too_large_is_said_to_be_lost_at_once() -> None:
    trades = sequence(most=100)
    assert heard(trades, 5, 107) == [5, (6, 106), 107]
    assert heard(trades, 208) == []
    assert trades.due(0) == TradesWanted("BTCUSDT", True, 108, 207)


def test_a_history_that_fails_is_asked_again_after_a_pause() -> None:
    trades = sequence()
    heard(trades, 5, 7)
    assert trades.due(0) is not None
    trades.failed(0)
    assert trades.due(499 * MILLISECOND) is None
    assert trades.due(500 * MILLISECOND) is not None


def test_a_long_hole_is_asked_for_in_pages() -> None:
    trades = sequence()
    heard(trades, 0, 2_500)
    question = trades.due(0)
    assert question == TradesWanted("BTCUSDT", True, 1, 1_000)
    assert len(trades.answer(question, [trade(number) for number in range(1, 1_001)], 0)) == 1_000
    assert trades.due(0) == TradesWanted("BTCUSDT", True, 1_001, 2_000)


@given(
    forgotten=st.sets(st.integers(1, 60)),
    steps=st.lists(
        st.tuples(st.sampled_from(["tell", "tell", "ask", "answer", "fail"]), st.integers(0, 60)), max_size=150
    ),
)
def test_every_print_is_said_once_and_in_order_and_a_loss_is_never_silent(
    forgotten: set[int], steps: list[tuple[str, int]]
) -> None:
    trades, said, now = sequence(), list[PublicTrade | TradesLost](), 0
    told = {0}
    said += trades.observe(trade(0), 0)
    under_way: TradesWanted | None = None

    def known(question: TradesWanted) -> list[PublicTrade]:
        return [trade(number) for number in range(question.first, question.last + 1) if number not in forgotten]

    for step, number in [*steps, ("answer", 0), ("tell", 61), *[("ask", 0), ("answer", 0)] * 100]:
        now += 500 * MILLISECOND
        if step == "tell":
            said += trades.observe(trade(number), now)
            told.add(number)
        elif step == "ask":
            question = trades.due(now)
            assert question is None or under_way is None
            under_way = question or under_way
        elif under_way is not None:
            if step == "answer":
                passed = trades.answer(under_way, known(under_way), now)
                for each in passed:
                    assert isinstance(each, PublicTrade) or told.isdisjoint(range(each.first, each.last + 1))
                said += passed
            else:
                trades.failed(now)
            under_way = None
    covered = [
        number
        for each in said
        for number in ([each.trade_id] if isinstance(each, PublicTrade) else range(each.first, each.last + 1))
    ]
    assert covered == list(range(62))
    lost = {number for each in said if isinstance(each, TradesLost) for number in range(each.first, each.last + 1)}
    assert lost <= forgotten


def test_what_came_before_the_first_print_heard_is_asked_for_where_it_is_wanted() -> None:
    trades = TradeSequence("BTCUSDT", True, most_refetched=20_000, again=500 * MILLISECOND, first=3)
    assert heard(trades, 5) == []
    question = trades.due(0)
    assert question == TradesWanted("BTCUSDT", True, 3, 4)
    assert ids(trades.answer(question, [trade(3), trade(4)], 0)) == [3, 4, 5]
