"""Seven services with real orders: nothing is sent before all holds and a name is confirmed, then one name."""

import asyncio
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from roottrading.adapters.store.postgres.identity import identity_of
from roottrading.adapters.store.postgres.migrations.migrate import upgrade
from roottrading.adapters.store.postgres.settings import PostgresSettings
from roottrading.config.secrets import KAFKA_URL, KEY, POSTGRES_URL, REDIS_URL, SECRET, SECRET_FILE, VARIABLES
from roottrading.operations.local_servers.addresses import Servers
from roottrading.pipeline import ROLES
from roottrading.runtimes.distributed.sharding import shard_of
from tests.e2e.conftest import Runner
from tests.e2e.test_kill_anything import left
from tests.e2e.test_live import FOREIGN, HIDDEN, MARKET, QUICK, RUN, SYMBOL, account, environment, furnished, typed
from tests.e2e.test_wire import COMMAND, exchange
from tests.e2e.up_process import Up, awaited, going_up
from tests.e2e.wire_account import Account, books_of, compare_books

WAITS = "nobody has confirmed real orders"
STRANGE = "stranger-e1"  # after the name
UNTRADED = "XRPUSDT"  # and in no shard that is served
BOTH = ("--symbols", f"{SYMBOL},{UNTRADED}", *MARKET[2:])
ENTERED = ("--set", "coordinator.abnormal.orders_per_minute=off", "--set", "coordinator.cooldown_candles=off")
OPTIONS = (*RUN, *ENTERED)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with the strategy that never rests, and a secret in a file."""
    return furnished(tmp_path)


@pytest.fixture
def name(topic_prefix: str) -> str:
    """A deployment's name that no other test's topics have."""
    return f"g{abs(hash(topic_prefix)) % 10**6}"


def surroundings(folder: Path, servers: Servers) -> dict[str, str]:
    there = {REDIS_URL: servers.redis_url, KAFKA_URL: servers.kafka_url, POSTGRES_URL: servers.postgres_url}
    return {**environment(folder), **there, "PYTHONUNBUFFERED": "1"}


def entries(there: Account) -> int:
    return sum(order["side"] == "BUY" for order in there.orders(SYMBOL))


def owner(servers: Servers) -> dict[str, str]:
    return asyncio.run(identity_of(servers.postgres_url, PostgresSettings()))


@contextmanager
def up(folder: Path, url: str, around: Mapping[str, str], *more: str) -> Iterator[Up]:
    command = (*COMMAND, "up", "--exchange", url, "--live", *OPTIONS, *more)
    with going_up(command, folder, around) as started:
        yield started


@contextmanager
def by_hand(folder: Path, url: str, around: Mapping[str, str], *more: str) -> Iterator[Path]:
    """Start all services, the trader when another waits for it; what they say goes to a file."""
    said = folder / "by-hand.txt"
    with ExitStack() as stack, said.open("w") as out:
        started = []
        for role in sorted(ROLES, key=lambda role: role.keys == "trade"):
            until = time.monotonic() + 90
            while role.keys == "trade" and WAITS not in said.read_text():
                assert time.monotonic() < until, said.read_text()[-5000:]
                time.sleep(0.2)
            command = (*COMMAND, role.name, "--exchange", url, "--live", *OPTIONS, *more)
            process = subprocess.Popen(command, cwd=folder, env=around, stdout=out, stderr=subprocess.STDOUT)
            started.append(stack.enter_context(process))
        try:
            yield said
        finally:
            for process in started:
                process.terminate()


def refused(folder: Path, url: str, around: Mapping[str, str], *more: str) -> str:
    ended = subprocess.run(
        (*COMMAND, "up", "--exchange", url, *OPTIONS, *more),
        cwd=folder,
        env=around,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    said = ended.stdout + ended.stderr
    assert ended.returncode in {1, 2}, said
    assert "Traceback" not in said
    return said


def rows(url: str, table: str, column: str) -> list[Any]:
    """Return what stands in a column of one of the services' journals."""

    async def read() -> list[Any]:
        connection = await asyncpg.connect(url)
        try:
            return [value for (value,) in await connection.fetch(f"SELECT {column} FROM {table}")]
        finally:
            await connection.close()

    return asyncio.run(read())


def test_what_is_left_out_is_asked_for_and_nothing_is_sent(
    folder: Path, servers: Servers, name: str, roottrading: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, value in surroundings(folder, servers).items():
        monkeypatch.setenv(variable, value)
    named = ("--set", f"account.deployment={name}", "--confirm", name)
    with exchange(folder, *MARKET, "--clock", "real") as (url, admin):
        there = account(url, admin)

        def said(*options: str, service: str = "up", to: str = url) -> str:
            printed = roottrading(service, "--exchange", to, *OPTIONS, *options)
            assert printed.code in {1, 2}
            assert HIDDEN not in printed.out + printed.err
            return printed.err

        assert "real orders need --live" in said(service="trader", to="binance")
        assert "real orders need --live" in said(service="gateway", to="https://testnet.binance.vision")
        assert "--confirm is for --live" in said("--confirm", name)
        assert "--live and --admin exclude each other" in said("--live", "--admin", admin, service="trader")
        assert "--live needs --confirm NAME" in said("--live", service="trader")
        assert "is no name of a deployment" in said("--live", "--confirm", "sim", service="gateway")
        assert f"this deployment is called {name}" in said("--live", *named, "--confirm", "beta", service="coordinator")
        assert "--live with --local-servers needs --state" in said("--live", *named, "--local-servers")
        assert "nobody can confirm here: add --set account.deployment=" in said("--live")
        assert "has no name yet" in said("--live", "--confirm", name)
        assert f"this deployment is called {name}" in said("--live", *named, "--confirm", "beta")
        field = {"kind": "field", "where": "GET /sapi/v1/account/apiRestrictions", "times": 0}
        there.admin("faults", {**field, "field": "enableWithdrawals", "value": "true"})
        for service in ("up", "trader"):
            assert "key: it may withdraw - make a key without" in said("--live", *named, service=service)
        there.admin("faults", method="DELETE")
        addresses = {"rest": f"{url}/", "socket": f"ws{url[4:]}/ws-api/v3", "stream": f"ws{url[4:]}/"}
        binance = [part for door, at in addresses.items() for part in ("--set", f"binance.{door}={at}")]
        monkeypatch.setenv(REDIS_URL, "redis://127.0.0.1:9/0")
        elsewhere = said("--live", *named, *binance, to="binance")
        assert "redis: Redis at 127.0.0.1:9/0 does not answer" in elsewhere
        monkeypatch.setenv(REDIS_URL, servers.redis_url)
        monkeypatch.setenv(SECRET, "wrong")
        monkeypatch.delenv(SECRET_FILE)
        assert "problem  key: the exchange refuses it (-1022)" in said("--live", *named, *binance, to="binance")
        for variable in VARIABLES:
            monkeypatch.delenv(variable, raising=False)
        for service in ("up", "trader", "portfolio"):
            assert f"no key for the exchange: set {KEY}" in said("--live", *named, service=service)
        assert not there.orders(SYMBOL)
    assert owner(servers) == {}


def test_by_hand_and_by_one_command_it_trades_under_one_name(folder: Path, servers: Servers, name: str) -> None:
    around = surroundings(folder, servers)
    asyncio.run(upgrade(servers.postgres_url, PostgresSettings()))
    assert shard_of(UNTRADED) != shard_of(SYMBOL)
    with exchange(folder, *BOTH, *QUICK) as (url, admin):
        there = account(url, admin)
        with by_hand(folder, url, around, "--confirm", name) as said:
            until = time.monotonic() + 90
            while entries(there) < 1:
                assert time.monotonic() < until, said.read_text()[-5000:]
                time.sleep(0.5)
        assert "ok       key: it cannot withdraw" in said.read_text()
        assert WAITS in said.read_text()
        number = there.signed("GET", "account")["uid"]
        assert owner(servers) == {
            "deployment": name,
            "quote_asset": "USDT",
            "exchange": url,
            "account": str(number),
        }
        before = entries(there)
        with up(folder, url, around, "--confirm", name) as started:
            awaited("entries again", started, lambda: entries(there) > before)
            with_key = {role.name for role in ROLES if KEY in environment_of(started.ids[role.name])}
            assert with_key == {"trader", "portfolio"}
            order = {"symbol": UNTRADED, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
            there.signed("POST", "order", **order, quantity=20, price=1, newClientOrderId=f"{name}-{STRANGE}")
            database = servers.postgres_url
            awaited("the alert", started, lambda: "prefix_shared" in rows(database, "alerts", "subject"))
            awaited("an entry refused", started, lambda: "prefix_shared" in rows(database, "refusals", "reason"))
            (at,) = rows(database, "alerts WHERE subject = 'prefix_shared'", "(extract(epoch FROM at) * 1000)::bigint")
            late = [order for order in there.orders(SYMBOL) if order["side"] == "BUY" and order["time"] > at + 30_000]
            assert late == []  # the next entry would have come a minute after the last
            awaited("nothing held", started, lambda: there.totals()["LTC"] < FOREIGN["LTC"] + Decimal("0.1"))
        assert f"orders under the prefix {name}- are on the account that the database" in (
            told := refused(folder, url, around, "--live", "--confirm", name)
        )
        assert f"{UNTRADED} {name}-{STRANGE}" in told
        assert "has the books of real orders" in refused(folder, url, around)
        records = asyncio.run(left(servers.postgres_url))
        found = compare_books(there, books_of(records), [SYMBOL, UNTRADED], FOREIGN, f"{name}-{STRANGE}")
        assert (found.problems, found.entries > 1) == ([], True)
        assert {each["clientOrderId"].partition("-")[0] for each in there.orders(SYMBOL)} == {name}


def environment_of(process: int) -> set[str]:
    """Return the names of the variables that a process was given."""
    return {each.partition("=")[0] for each in Path(f"/proc/{process}/environ").read_text().split("\0")}


def test_a_name_is_typed_by_a_person(folder: Path, servers: Servers) -> None:
    asyncio.run(upgrade(servers.postgres_url, PostgresSettings()))
    with exchange(folder, *MARKET, *QUICK) as (url, admin):
        ours = {REDIS_URL: servers.redis_url, KAFKA_URL: servers.kafka_url, POSTGRES_URL: servers.postgres_url}
        command = ("env", *(f"{name}={value}" for name, value in ours.items()), *COMMAND)
        assert typed(folder, (*command, "up", "--exchange", url, "--live", *OPTIONS), "yes\n") == 2
        assert not account(url, admin).orders(SYMBOL)
    assert owner(servers) == {}
