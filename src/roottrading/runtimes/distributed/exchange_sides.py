"""Which side of the exchange a service sees: the account needs a key, all others see the public market."""

from roottrading.adapters.exchange.binance.server_clock import ServerClock
from roottrading.pipeline import Role
from roottrading.runtimes.distributed.account_side import AccountSide
from roottrading.runtimes.distributed.exchange_side import ExchangeSide
from roottrading.runtimes.distributed.market_side import MarketSide
from roottrading.runtimes.distributed.surroundings import Surroundings
from roottrading.runtimes.linked.clocks import link_settings


def side_of(role: Role, around: Surroundings, symbols: tuple[str, ...], clock: ServerClock) -> ExchangeSide:
    """Return a service's side of these symbols. Raises ValueError for one that needs a key and has none."""
    settings = link_settings(around.admin is not None, around.rate)
    if role.keys == "none":
        finest = around.cast.plan.finest if role.name == "gateway" else ""
        return MarketSide(around.places, symbols, clock, settings, finest, around.streams)
    if around.credentials is None:
        raise ValueError(f"{role.name} has no key: it needs one to see the account")
    return AccountSide(role.name, around.places, around.credentials, symbols, clock, settings)
