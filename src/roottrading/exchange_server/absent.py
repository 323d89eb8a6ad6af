"""What Binance has and this exchange has none of: reference prices, block trades, orders routed elsewhere."""

from typing import Any, Final

from roottrading.exchange_server.endpoint import Call, Endpoint
from roottrading.exchange_server.errors import ApiError

_SYMBOL: Final = frozenset({"symbol"})


def reference_price(call: Call) -> dict[str, Any]:
    """Refuse: no symbol has a reference price."""
    call.parameters.symbol(call.venue.instruments)
    raise ApiError(-2043, "This symbol doesn't have a reference price.")


def nothing(call: Call) -> list[dict[str, Any]]:
    """Answer that there are none."""
    call.parameters.symbol(call.venue.instruments)
    return []


def block_trades(call: Call) -> list[dict[str, Any]]:
    """Answer that there are no block trades."""
    call.parameters.required("fromId")
    return nothing(call)


ENDPOINTS: Final = (
    Endpoint("GET", "/api/v3/referencePrice", "referencePrice", reference_price, _SYMBOL, weight=2),
    Endpoint(
        "GET",
        "/api/v3/referencePrice/calculation",
        "referencePrice.calculation",
        reference_price,
        _SYMBOL | {"symbolStatus"},
        weight=2,
    ),
    Endpoint(
        "GET",
        "/api/v3/historicalBlockTrades",
        "blockTrades.historical",
        block_trades,
        _SYMBOL | {"fromId", "limit"},
        weight=25,
    ),
    Endpoint(
        "GET",
        "/api/v3/myAllocations",
        "myAllocations",
        nothing,
        _SYMBOL | {"startTime", "endTime", "fromAllocationId", "limit", "orderId"},
        "signed",
        20,
    ),
)
