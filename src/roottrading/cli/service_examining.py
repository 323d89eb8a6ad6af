"""What is examined once before services send real orders: the doctor's findings, and who trades under the name."""

from collections.abc import Mapping
from typing import Final

from roottrading.adapters.exchange.binance.orders_by_prefix import orders_by_prefix
from roottrading.adapters.exchange.binance.settings import Places
from roottrading.adapters.exchange.binance.signing import Credentials
from roottrading.adapters.store.postgres.configuration import configured_at
from roottrading.adapters.store.postgres.database import Database
from roottrading.adapters.store.postgres.errors import shown
from roottrading.adapters.store.postgres.identity import claim
from roottrading.adapters.store.postgres.sent_orders import sent_orders
from roottrading.cli.linked import key_of
from roottrading.cli.live_checks import check_findings
from roottrading.config.secrets import PORTFOLIO_KEY, PORTFOLIO_SECRET, POSTGRES_URL, portfolio_key
from roottrading.config.settings import Settings
from roottrading.operations.doctor.examining import examine_machine
from roottrading.operations.doctor.exchange import examine_exchange
from roottrading.operations.doctor.finding import problems
from roottrading.operations.doctor.servers import examine_servers
from roottrading.runtimes.distributed.configuring.configuration import replayed
from roottrading.runtimes.linked.one_deployment import known_of_sent, refuse, strangers

_KIND: Final = "database"


async def examine(settings: Settings, places: Places, credentials: Credentials, environment: Mapping[str, str]) -> None:
    """Have the doctor look at machine, servers, exchange and keys; print it. Raises Unfit where there is a problem."""
    account = settings.account
    reader = portfolio_key(environment)
    reads = None if reader is None else key_of(reader, f"{PORTFOLIO_KEY}, {PORTFOLIO_SECRET}")
    found = examine_machine(None, environment, exchange=True)
    found += await examine_servers(environment, settings.postgres)
    if not problems(found):
        capital = account.quote_asset, account.capital
        found += await examine_exchange(places, credentials, capital, reads)
    check_findings(found)


async def check_prefix(settings: Settings, places: Places, credentials: Credentials, url: str, rate: int) -> None:
    """Raise PrefixTaken for orders under the deployment's name that its database at `url` does not know (7.2).

    The exchange is asked before the ledger: what is sent meanwhile stands there first. Raises LinkError, StoreError.
    """
    deployment, postgres = settings.account.deployment, settings.postgres
    symbols = set(settings.run.symbols)
    changed = replayed(await configured_at(url, postgres))
    if changed is not None:
        symbols |= changed.traded | changed.leaving
    placed = await orders_by_prefix(places.rest, credentials, f"{deployment}-", sorted(symbols), rate)
    found = sorted({each.symbol for each in placed})
    sent = await sent_orders(url, postgres, [each.client_order_id for each in placed], found)
    known = known_of_sent(deployment, sent.numbers, sent.cycles)
    refuse(strangers(placed, known), deployment, shown(url), _KIND, POSTGRES_URL)


async def record(settings: Settings, url: str, identity: Mapping[str, str]) -> None:
    """Make a database this deployment's. Raises WrongIdentity where another was quicker, StoreError."""
    async with await Database.open(url, settings.postgres) as database:
        await claim(database, identity)
