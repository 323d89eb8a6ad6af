import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roottrading.adapters.exchange.binance.streams.assignment import Assignment
from roottrading.adapters.exchange.binance.streams.settings import StreamSettings
from roottrading.adapters.exchange.binance.streams.subscribing import Subscribing
from roottrading.adapters.exchange.binance.streams.subscriptions import Subscription


def stream(number: int) -> Subscription:
    return Subscription("trades", f"COIN{number}USDT")


def test_two_thousand_and_fifty_streams_need_three_connections() -> None:
    assignment = Assignment(1024)
    assert assignment.add(stream(number) for number in range(2_050)) == {0, 1, 2}
    assert [len(held) for held in assignment.slots.values()] == [1024, 1024, 2]


@given(st.integers(1, 5), st.lists(st.tuples(st.booleans(), st.sets(st.integers(0, 20))), max_size=20))
def test_each_stream_has_one_place_and_keeps_it(most: int, changes: list[tuple[bool, set[int]]]) -> None:
    assignment, wanted, places = Assignment(most), set[int](), dict[str, int]()
    for add, numbers in changes:
        before = {number: dict(held) for number, held in assignment.slots.items()}
        given_streams = [stream(number) for number in sorted(numbers)]
        changed = assignment.add(given_streams) if add else assignment.remove(given_streams)
        wanted = wanted | numbers if add else wanted - numbers
        now = {name: slot for slot, held in assignment.slots.items() for name in held}
        assert sorted(now) == sorted(stream(number).name for number in wanted)
        assert sum(len(held) for held in assignment.slots.values()) == len(wanted)  # nowhere twice
        assert all(0 < len(held) <= most for held in assignment.slots.values())
        assert all(places[name] == slot for name, slot in now.items() if name in places)
        slots = before.keys() | assignment.slots.keys()
        assert changed == {slot for slot in slots if before.get(slot) != assignment.slots.get(slot)}
        places = now


def control(message: bytes | None) -> tuple[str, list[str], int]:
    assert message is not None
    said = msgspec.json.decode(message)
    return said["method"], said["params"], said["id"]


def test_the_first_streams_are_named_in_the_address_and_the_rest_in_messages() -> None:
    asking = Subscribing(["a@trade", "b@trade", "c@trade", "d@trade"], in_address=1, a_message=2)
    assert asking.address("wss://host") == "wss://host/stream?timeUnit=MICROSECOND&streams=a@trade"
    assert not asking.settled
    assert control(asking.message()) == ("SUBSCRIBE", ["b@trade", "c@trade"], 1)
    assert control(asking.message()) == ("SUBSCRIBE", ["d@trade"], 2)
    assert asking.message() is None
    asking.answered(1)
    assert not asking.settled
    asking.answered("elsewhere")
    asking.answered(2)
    assert asking.settled


def test_an_address_holds_letters_of_all_languages_escaped() -> None:
    asking = Subscribing(["币usdt@trade"], in_address=1, a_message=2)
    assert asking.address("ws://host").endswith("&streams=%E5%B8%81usdt@trade")


def test_an_address_without_streams_names_none() -> None:
    assert Subscribing([], in_address=1, a_message=2).address("ws://host") == "ws://host/stream?timeUnit=MICROSECOND"


@given(
    st.integers(0, 4),
    st.integers(1, 4),
    st.lists(st.lists(st.sampled_from("abcdefgh"), unique=True), min_size=1, max_size=8),
)
def test_messages_lead_from_what_there_is_to_what_is_wanted(
    in_address: int, a_message: int, wishes: list[list[str]]
) -> None:
    asking = Subscribing(wishes[0], in_address=in_address, a_message=a_message)
    names = asking.address("").partition("streams=")[2]
    server = set(names.split("/")) - {""}
    assert len(server) <= in_address
    for wish in wishes:
        asking.want(wish)
        while (message := asking.message()) is not None:
            method, params, number = control(message)
            assert 0 < len(params) <= a_message
            if method == "SUBSCRIBE":
                assert server.isdisjoint(params)
                server |= set(params)
            else:
                assert server.issuperset(params)
                server -= set(params)
            assert not asking.settled
            asking.answered(number)
        assert server == set(wish)
        assert asking.settled


@pytest.mark.parametrize(
    "wrong", [{"streams_a_connection": 1025}, {"control_messages": 5}, {"lifetime": 86_400_000_001}, {"lifetime": 0}]
)
def test_settings_beyond_the_exchanges_limits_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        StreamSettings(**wrong)  # type: ignore[arg-type]
