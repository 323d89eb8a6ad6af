"""Answers that are refusals, come too late, or never come whole."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Literal

from aiohttp import web

from roottrading.exchange_server.errors import ApiError
from roottrading.exchange_server.faults.altering import altered, spoiled
from roottrading.exchange_server.faults.fault import Fault
from roottrading.exchange_server.faults.register import Strike
from roottrading.exchange_server.frames import Frame, answer_frame
from roottrading.exchange_server.rest import error_response, page
from roottrading.exchange_server.ws_api import ApiConnection

TIMEOUT: Final = "Timeout waiting for response from backend server. Send status unknown; execution status unknown."
_SENT: Final = 0.05  # seconds in which an answer has surely left


def refused(fault: Fault) -> web.Response:
    """Return the refusal; a 403 is a page of the machine before the exchange."""
    if fault.status == 403:
        return page(403, "403 Forbidden")
    return error_response(_error_of(fault))


async def wait_in_vain(request: web.Request, strike: Strike) -> web.StreamResponse:
    """Say nothing for the time of the fault, then that nothing is known; or, silent, cut the connection."""
    await asyncio.sleep(strike.delay)
    if strike.fault.silent:
        return await cut_off(request, web.Response(), "before")
    return error_response(ApiError(-1007, TIMEOUT, 504))


async def cut_off(
    request: web.Request, response: web.Response, moment: Literal["before", "middle", "after"]
) -> web.StreamResponse:
    """Cut the connection before, in the middle of, or after an answer."""
    transport = request.transport
    if moment == "after":
        response.force_close()
        await response.prepare(request)
        await response.write_eof()
        await asyncio.sleep(_SENT)
    elif moment == "middle" and isinstance(response.body, bytes):
        body = response.body
        half = web.StreamResponse(status=response.status, headers={"Content-Type": "application/json;charset=UTF-8"})
        half.content_length = len(body)
        await half.prepare(request)
        await half.write(body[: len(body) // 2])
        await asyncio.sleep(_SENT)
    if transport is not None:
        transport.abort()
    return response


async def answer_api(
    strikes: Sequence[Strike],
    connection: ApiConnection,
    frame: Frame,
    answer: Callable[[Frame], Awaitable[bytes]],
) -> bytes | None:
    """Answer a request of the WebSocket API by way of `answer`, or in spite of it; None sends nothing."""
    for strike in strikes:
        fault = strike.fault
        if fault.kind in {"refusal", "timeout"}:
            if fault.executed:
                await answer(frame)
            if fault.kind == "refusal":
                return _failed(connection, frame, _error_of(fault))
            await asyncio.sleep(strike.delay)
            return None if fault.silent else _failed(connection, frame, ApiError(-1007, TIMEOUT, 504))
        if fault.kind == "cut" and fault.moment == "before":
            connection.cut()
            return None
    said = await answer(frame)
    for strike in strikes:
        fault = strike.fault
        if fault.kind == "body":
            said = spoiled(said, fault)
        elif fault.kind == "field":
            said = altered(said, fault)
        elif fault.kind == "cut":
            if fault.moment == "after":
                connection.send(said)
                await asyncio.sleep(_SENT)
            connection.cut()
            return None
    return said


def _error_of(fault: Fault) -> ApiError:
    return ApiError(fault.code, fault.message, fault.status, retry_after=fault.retry_after or None)


def _failed(connection: ApiConnection, frame: Frame, error: ApiError) -> bytes:
    session = connection.session
    told = error.body() if session is None else session.told(error)
    return answer_frame(frame.identity, error.status, "error", told, None)
