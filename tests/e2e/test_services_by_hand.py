"""What docs/services.md says about starting the services one by one is typed here, up to the first order."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from roottrading.config.secrets import KAFKA_URL, POSTGRES_URL, REDIS_URL
from roottrading.operations.local_servers.addresses import Servers
from tests.e2e.test_docs import ROOT, blocks
from tests.e2e.wire_account import Account
from tests.e2e.wire_kills import KEY

PATIENCE = 120.0  # seconds, on a machine however busy
SERVERS_UP = 'eval "$(make -s services-up)"'
URL = "http://127.0.0.1:18465"


def test_services_are_started_as_the_page_says(servers: Servers, topic_prefix: str, tmp_path: Path) -> None:
    (text,) = [text for text in blocks(ROOT / "docs" / "services.md", "sh") if "roottrading $service" in text]
    first, rest = text.split("\n", 1)
    assert first.startswith(SERVERS_UP)  # that itself is tried with the page on operations
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        REDIS_URL: servers.redis_url,
        KAFKA_URL: servers.kafka_url,
        POSTGRES_URL: servers.postgres_url,
    }
    (tmp_path / "roottrading.toml").write_text(
        f'account.deployment = "h{abs(hash(topic_prefix)) % 10**6}"\n'
        'aggregator.weighting = "equal"\naggregator.quorum = 0\n'
        "strategies.sma_cross.parameters = { fast = 2, slow = 3 }\n"  # they cross every few minutes
    )
    with (
        (tmp_path / "said.txt").open("w") as said,
        subprocess.Popen(
            ("bash", "-c", f"{rest}\nwait"),
            cwd=tmp_path,
            env=environment,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as shell,
    ):
        try:
            until = time.monotonic() + PATIENCE
            while not ordered():
                assert time.monotonic() < until, (tmp_path / "said.txt").read_text()[-5000:]
                time.sleep(0.5)
        finally:
            os.killpg(shell.pid, signal.SIGTERM)


def ordered() -> bool:
    """Say whether the account has an order."""
    account = Account(URL, "", KEY, KEY)
    try:
        return any(account.orders(symbol) for symbol in ("LTCUSDT", "XRPUSDT"))
    except OSError:
        return False  # the exchange is not up yet
