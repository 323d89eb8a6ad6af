"""Control messages: whatever comes, one answer goes."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roottrading.exchange_server.market.control import Answer, Control


def obey(control: Control, **message: Any) -> Any:
    return msgspec.json.decode(control.obey(msgspec.json.encode(message)).reply)


def test_joining_leaving_and_listing() -> None:
    control = Control(wrapped=False)
    answer = control.obey(b'{"method":"SUBSCRIBE","params":["a@trade","b@trade","a@trade"],"id":1}')
    assert answer == Answer(b'{"result":null,"id":1}', ["a@trade", "b@trade"], [])
    assert control.obey(b'{"method":"SUBSCRIBE","params":["a@trade"],"id":2}').joined == []
    assert obey(control, method="LIST_SUBSCRIPTIONS", id=3) == {"result": ["a@trade", "b@trade"], "id": 3}
    answer = control.obey(b'{"method":"UNSUBSCRIBE","params":["a@trade","never"],"id":4}')
    assert (answer.reply, answer.left) == (b'{"result":null,"id":4}', ["a@trade"])
    assert obey(control, method="LIST_SUBSCRIPTIONS", id=5)["result"] == ["b@trade"]


@pytest.mark.parametrize("number", [1, "312", None, 2**62, "a-36-characters-id-" + "x" * 17])
def test_ids_come_back_unchanged(number: Any) -> None:
    assert obey(Control(wrapped=False), method="LIST_SUBSCRIPTIONS", id=number) == {"result": [], "id": number}


def test_wrapping_is_a_property() -> None:
    control = Control(wrapped=False)
    assert obey(control, method="GET_PROPERTY", params=["combined"], id=1)["result"] is False
    assert obey(control, method="SET_PROPERTY", params=["combined", True], id=2) == {"result": None, "id": 2}
    assert control.combined
    assert obey(control, method="SET_PROPERTY", params=["combined", 1], id=3)["error"]["code"] == 1
    assert obey(control, method="SET_PROPERTY", params=["color", True], id=4)["error"]["code"] == 0
    assert control.combined


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"not json", 3),
        (b"\xff\xfe", 3),
        (b"[1]", 3),
        (b"{}", 2),
        (b'{"method":"DANCE","id":1}', 2),
        (b'{"method":"SUBSCRIBE","params":"a@trade","id":1}', 2),
        (b'{"method":"SUBSCRIBE","params":[1],"id":1}', 2),
        (b'{"method":"SUBSCRIBE","params":[],"id":true}', 2),
        (b'{"method":"SUBSCRIBE","params":[],"id":1.5}', 2),
        (b'{"method":"SUBSCRIBE","params":[],"id":"' + b"x" * 37 + b'"}', 2),
        (b"[" * 5_000, 3),
    ],
)
def test_what_is_wrong_is_answered_by_its_code(data: bytes, code: int) -> None:
    assert msgspec.json.decode(Control(wrapped=False).obey(data).reply)["error"]["code"] == code


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=5)


@given(
    st.binary()
    | st.fixed_dictionaries({}, optional={"method": JSON, "params": JSON, "id": JSON}).map(msgspec.json.encode)
)
def test_nothing_breaks_a_connection(data: bytes) -> None:
    reply = msgspec.json.decode(Control(wrapped=True).obey(data).reply)
    assert ("error" in reply) is not ("result" in reply)
