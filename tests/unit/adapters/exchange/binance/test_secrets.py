"""No secret, key or signature stands in anything that the client says, logs or shows."""

import gc
import logging
from urllib.parse import quote

import pytest

from roottrading.adapters.exchange.binance.binance_link import BinanceLink
from roottrading.messages.exchange import OutcomeUnknown, Request
from tests.unit.adapters.exchange.binance import asked
from tests.unit.adapters.exchange.binance.scripted import KEY, SECRET, Scripted, no
from tests.unit.adapters.exchange.binance.scripted_link import HMAC, QUICK, fresh, linked, run


def test_what_goes_wrong_tells_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    shown: list[str] = []

    async def test(exchange: Scripted) -> None:
        exchange.answer("order.place", "cut")
        exchange.answer("order.cancelReplace", no(-1022, "Signature for this request is not valid."))
        exchange.answer("POST order/cancelReplace", no(-1022, "Signature for this request is not valid."))
        async with linked(exchange) as (link, listener):
            link.send([fresh(asked.PLACE, link), fresh(asked.REPLACE, link)])
            await listener.until(OutcomeUnknown)
            link.send([Request(asked.SYMBOL, "of no known kind", 1, link.now())])
            await listener.until(OutcomeUnknown, lambda event: event.client_order_id == "of no known kind")
            shown.extend((repr(link), repr(vars(link)), repr(listener.events)))
        signatures.update(str(heard.params["signature"]) for heard in exchange.heard if "signature" in heard.params)

    signatures: set[str] = set()
    run(test)
    gc.collect()
    # the server's own log of what it was asked is not the client's
    said = [record.getMessage() + str(record.exc_text) for record in caplog.records if "access" not in record.name]
    assert signatures
    for text in (*said, *shown):
        for secret in (SECRET, KEY, *signatures):
            assert secret not in text
            assert quote(secret, safe="") not in text


def test_a_link_that_cannot_be_opened_tells_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def test(exchange: Scripted) -> None:
        exchange.answer("GET account", "cut")
        link = BinanceLink(exchange.endpoints, HMAC, ["BTCUSDT"], QUICK)
        with pytest.raises(Exception, match="did not answer") as caught:
            await link.open()
        assert SECRET not in f"{caught.value!r}"
        assert KEY not in f"{caught.value!r}"

    run(test)
    assert SECRET not in caplog.text
