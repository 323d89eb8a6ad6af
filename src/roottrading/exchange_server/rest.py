"""REST: a request's bytes become an Inbound, an answer or a refusal becomes JSON with its headers."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web

from roottrading.exchange_server.endpoint import Endpoint
from roottrading.exchange_server.errors import ApiError
from roottrading.exchange_server.parameters import Parameters
from roottrading.exchange_server.server import ExchangeServer, Inbound

JSON: Final = "application/json"
GONE: Final = "/api/v3/userDataStream"
_PAGE: Final = (
    "<html>\r\n<head><title>{0}</title></head>\r\n<body>\r\n<center><h1>{0}</h1></center>\r\n</body>\r\n</html>\r\n"
)


class RestDoor:
    """The way in over REST."""

    def __init__(self, server: ExchangeServer) -> None:
        self._server = server

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request; whoever meddles comes between."""
        if self._server.meddler is not None:
            return await self._server.meddler.reply(request, self.undisturbed)
        return await self.undisturbed(request)

    async def undisturbed(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        path = request.path
        endpoint = self._server.rest.get((request.method, path))
        if endpoint is None:
            if path == GONE:
                return page(410, "410 Gone")
            known = any(each == path for _, each in self._server.rest)
            return page(405, "405 Not Allowed") if known else page(404, "404 Not Found")
        address = request.remote or ""
        try:
            result = await self._server.answer(await self._inbound(request, endpoint, address))
        except ApiError as error:
            return error_response(error, self._used(address))
        response = json_response(result, 200, self._used(address))
        if endpoint.orders or endpoint.counts:
            account = self._server.keys.account_of(request.headers.get("X-MBX-APIKEY"))
            short, long = self._server.limits.order_counts(account, self._server.clock.now())
            response.headers["X-MBX-ORDER-COUNT-10S"] = str(short)
            response.headers["X-MBX-ORDER-COUNT-1D"] = str(long)
        return response

    async def _inbound(self, request: web.Request, endpoint: Endpoint, address: str) -> Inbound:
        query = request.raw_path.partition("?")[2].encode("utf-8", "surrogateescape")
        body = await request.read() if request.body_exists else b""
        return Inbound(
            endpoint,
            parse(query, body),
            address,
            request.headers.get("X-MBX-APIKEY"),
            without_signature(query) + without_signature(body),
            time_unit(request.headers.get("X-MBX-TIME-UNIT")),
        )

    def _used(self, address: str) -> dict[str, str]:
        used = str(self._server.limits.used(address, self._server.clock.now()))
        return {"X-MBX-USED-WEIGHT": used, "X-MBX-USED-WEIGHT-1M": used}


def json_response(body: Any, status: int, headers: Mapping[str, str]) -> web.Response:
    """Return an answer in JSON."""
    return web.Response(
        body=msgspec.json.encode(body), status=status, headers=headers, content_type=JSON, charset="UTF-8"
    )


def error_response(error: ApiError, headers: Mapping[str, str] | None = None) -> web.Response:
    """Return a refusal, with the time to wait where it says one."""
    given = dict(headers or {})
    if error.retry_after is not None:
        given["Retry-After"] = str(error.retry_after)
    return json_response(error.body(), error.status, given)


def page(status: int, words: str) -> web.Response:
    """Return what the machine before the exchange answers: a page, no JSON."""
    return web.Response(text=_PAGE.format(words), status=status, content_type="text/html")


def parse(query: bytes, body: bytes) -> Parameters:
    """Return the parameters of query and body, whatever the content's type; the query wins on a clash."""
    given: dict[str, str] = {}
    for part in (query, body):
        seen: set[str] = set()
        for name, value in parse_qsl(part.decode("utf-8", "replace"), keep_blank_values=True, errors="replace"):
            if name in seen:
                raise ApiError(-1101, f"Duplicate values for parameter '{name}' detected.")
            seen.add(name)
            given.setdefault(name, value)
    return Parameters(given)


def without_signature(part: bytes) -> bytes:
    """Return the bytes that were signed: everything but the signature itself."""
    return b"&".join(pair for pair in part.split(b"&") if not pair.startswith(b"signature="))


def time_unit(wanted: str | None) -> bool:
    """Say whether times are to be in microseconds; ApiError for a unit that there is not."""
    if wanted is None or wanted.upper() in {"MILLISECOND", "MILLISECONDS"}:
        return False
    if wanted.upper() in {"MICROSECOND", "MICROSECONDS"}:
        return True
    raise ApiError(-1194, "Invalid value for time unit; expected either MICROSECOND or MILLISECOND.")
