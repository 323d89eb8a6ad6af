"""The general endpoints: is somebody there, and what time is it there."""

from typing import Any, Final

from roottrading.exchange_server.endpoint import Call, Endpoint


def ping(_: Call) -> dict[str, Any]:
    """Answer that the exchange is there."""
    return {}


def time(call: Call) -> dict[str, Any]:
    """Answer the exchange's time."""
    return {"serverTime": call.stamp(call.now)}


ENDPOINTS: Final = (
    Endpoint("GET", "/api/v3/ping", "ping", ping),
    Endpoint("GET", "/api/v3/time", "time", time),
)
