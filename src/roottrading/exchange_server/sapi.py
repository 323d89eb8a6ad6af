"""What is asked of `/sapi`: what a key may do, and wallets and margin, of which there are none here."""

from typing import Any, Final

from roottrading.exchange_server.endpoint import Call, Endpoint
from roottrading.exchange_server.wording import amount


def none(_: Call) -> list[dict[str, Any]]:
    """Answer that there are none."""
    return []


def trade_fees(call: Call) -> list[dict[str, Any]]:
    """Answer with the account's rates, of one symbol or of all."""
    parameters, venue = call.parameters, call.venue
    symbols = [parameters.symbol(venue.instruments)] if "symbol" in parameters else sorted(venue.instruments)
    fees = venue.fees
    return [
        {"symbol": each, "makerCommission": amount(fees.maker), "takerCommission": amount(fees.taker)}
        for each in symbols
    ]


def key_rights(call: Call) -> dict[str, Any]:
    """Answer with what the key may do, from every address: read, and trade or not; nothing is to be withdrawn here."""
    return {
        "ipRestrict": False,
        "createTime": call.stamp(call.now),
        "enableReading": True,
        "enableWithdrawals": False,
        "enableInternalTransfer": False,
        "enableMargin": False,
        "enableFutures": False,
        "permitsUniversalTransfer": False,
        "enableVanillaOptions": False,
        "enableFixApiTrade": False,
        "enableFixReadOnly": False,
        "enableSpotAndMarginTrading": call.may_trade,
        "enablePortfolioMarginTrading": False,
    }


KEY_RIGHTS: Final = Endpoint("GET", "/sapi/v1/account/apiRestrictions", "", key_rights, frozenset(), "signed")

# What some clients ask before they begin.
ENDPOINTS: Final = (
    Endpoint("GET", "/sapi/v1/capital/config/getall", "", none, frozenset(), "signed", 10),
    Endpoint("GET", "/sapi/v1/margin/allPairs", "", none, frozenset({"symbol"}), "key"),
    Endpoint("GET", "/sapi/v1/margin/isolated/allPairs", "", none, frozenset({"symbol"}), "signed", 10),
    Endpoint("GET", "/sapi/v1/asset/tradeFee", "", trade_fees, frozenset({"symbol"}), "signed"),
)
