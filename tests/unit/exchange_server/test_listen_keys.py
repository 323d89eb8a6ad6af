from collections.abc import Callable
from typing import Any

from roottrading.exchange_server.listen_keys import ListenKeys, endpoints
from roottrading.exchange_server.server import ExchangeServer
from roottrading.exchange_server.wording import Stamp, milliseconds
from tests.unit.exchange_server.serving import Client, with_client

PATH = "/api/v3/userDataStream"


class Listeners:
    def __init__(self) -> None:
        self.heard: list[tuple[str, Any]] = []

    def say(self, name: str, written: Callable[[Stamp], Any]) -> None:
        self.heard.append((name, written(milliseconds)["e"]))


def test_a_key_is_kept_closed_and_forgotten_after_an_hour() -> None:
    async def test(client: Client, server: ExchangeServer) -> None:
        listeners = Listeners()
        server.offer(endpoints(ListenKeys(server.subscribers, listeners)))

        async def ask(method: str, query: str = "") -> Any:
            return (await client.send(method, PATH, query, {"X-MBX-APIKEY": client.key})).body

        key = (await ask("POST"))["listenKey"]
        assert len(key) == 60
        assert (await ask("POST"))["listenKey"] == key
        await client.signed("POST", "/api/v3/order", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.1")
        assert listeners.heard == [
            (key, "executionReport"),
            (key, "executionReport"),
            (key, "outboundAccountPosition"),
        ]
        client.clock.time += 50 * 60_000_000
        assert await ask("PUT", f"listenKey={key}") == {}
        client.clock.time += 59 * 60_000_000
        assert await ask("PUT", f"listenKey={key}") == {}
        client.clock.time += 61 * 60_000_000
        unknown = {"code": -1125, "msg": "This listenKey does not exist."}
        assert await ask("PUT", f"listenKey={key}") == unknown
        other = (await ask("POST"))["listenKey"]
        assert other != key
        assert await ask("DELETE", f"listenKey={key}") == unknown
        assert await ask("DELETE", f"listenKey={other}") == {}
        assert len(server.subscribers) == 0
        assert (await client.send("POST", PATH, "", {})).status == 401

    with_client(test)
