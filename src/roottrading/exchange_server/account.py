"""The account's endpoints: balances, rates and limits."""

from typing import Any, Final

from roottrading.domain.balance import Balance
from roottrading.domain.money import ONE, ZERO
from roottrading.exchange_server.endpoint import Call, Endpoint
from roottrading.exchange_server.exchange_info import PERMISSION, filters_of
from roottrading.exchange_server.wording import amount

BASIS_POINTS: Final = 10_000
_SYMBOL: Final = frozenset({"symbol"})


def account(call: Call) -> dict[str, Any]:
    """Answer with the account's rates, rights and balances; those of 0 too, unless they are not wanted."""
    fees, venue = call.venue.fees, call.venue
    held = venue.balances(call.account)
    if not call.parameters.boolean("omitZeroBalances", usual=False):
        assets = {asset for each in venue.instruments.values() for asset in (each.base_asset, each.quote_asset)}
        held = {asset: Balance(asset, ZERO, ZERO) for asset in sorted(assets)} | held
    else:
        held = {asset: each for asset, each in held.items() if each.free or each.locked}
    return {
        "makerCommission": int(fees.maker * BASIS_POINTS),
        "takerCommission": int(fees.taker * BASIS_POINTS),
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": {
            "maker": amount(fees.maker),
            "taker": amount(fees.taker),
            "buyer": amount(None),
            "seller": amount(None),
        },
        "canTrade": True,
        "canWithdraw": False,
        "canDeposit": True,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": call.stamp(venue.updated_at.get(call.account, call.now)),
        "accountType": "SPOT",
        "balances": [
            {"asset": each.asset, "free": amount(each.free), "locked": amount(each.locked)} for each in held.values()
        ],
        "permissions": [PERMISSION],
        "uid": call.server.uid(call.account),
    }


def commission(call: Call) -> dict[str, Any]:
    """Answer with the account's rates in a symbol."""
    symbol = call.parameters.symbol(call.venue.instruments)
    fees = call.venue.fees
    nothing = dict.fromkeys(("maker", "taker", "buyer", "seller"), amount(None))
    return {
        "symbol": symbol,
        "standardCommission": nothing | {"maker": amount(fees.maker), "taker": amount(fees.taker)},
        "specialCommission": nothing,
        "taxCommission": nothing,
        "discount": {
            "enabledForAccount": fees.in_bnb,
            "enabledForSymbol": call.venue.instruments[symbol].base_asset != "BNB",
            "discountAsset": "BNB",
            "discount": amount(ONE - fees.bnb_factor),
        },
    }


def order_counts(call: Call) -> list[dict[str, Any]]:
    """Answer with the account's counts of unfilled orders."""
    return call.server.limits.orders_shown(call.account, call.now)


def my_filters(call: Call) -> dict[str, Any]:
    """Answer with the filters that bind the account in a symbol."""
    symbol = call.parameters.symbol(call.venue.instruments)
    return {"exchangeFilters": [], "symbolFilters": filters_of(call.venue.instruments[symbol]), "assetFilters": []}


ENDPOINTS: Final = (
    Endpoint("GET", "/api/v3/account", "account.status", account, frozenset({"omitZeroBalances"}), "signed", 20),
    Endpoint("GET", "/api/v3/account/commission", "account.commission", commission, _SYMBOL, "signed", 20),
    Endpoint("GET", "/api/v3/rateLimit/order", "account.rateLimits.orders", order_counts, frozenset(), "signed", 40),
    Endpoint("GET", "/api/v3/myFilters", "myFilters", my_filters, _SYMBOL, "signed", 40),
)
