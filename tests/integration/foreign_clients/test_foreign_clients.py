"""Clients that nobody here wrote trade on `roottrading exchange`, unmodified, each in an environment of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.foreign_clients.environments import python_of

SCRIPTS = Path(__file__).parent / "scripts"
KEY, SECRET = "foreign", "client"
CLIENTS = {
    "ccxt_client.py": "ccxt==4.5.90",
    "python_binance_client.py": "python-binance==1.0.37",
    "sdk_client.py": "binance-sdk-spot==13.2.0",
    "connector_client.py": "binance-connector==3.13.0",  # knows listen keys only
}
# what binance-sdk-spot logs where an answer or event is not of the types that its models declare
MISFITS = (
    "did not match the declared types",
    "Failed to parse",
    "ValidationError",
    "validation error",
    "Error in callback",
)


@pytest.fixture
def exchange() -> Iterator[str]:
    """Serve the shipped tape as if it happened now; yield the address."""
    line = [
        sys.executable,
        "-m",
        "roottrading",
        "exchange",
        "--port",
        "0",
        "--clock",
        "real",
        "--sapi",
        "--listen-keys",
    ]
    line += ["--account", f"{KEY}:{SECRET}", "--balance", "USDT=50000", "--balance", "LTC=10"]
    with subprocess.Popen(
        line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | {"PYTHONUNBUFFERED": "1"}
    ) as process:
        assert process.stdout is not None
        try:
            said = process.stdout.readline()
            if said.startswith("exchange on "):
                yield said.split()[2]
            process.send_signal(signal.SIGTERM)
            _, errors = process.communicate(timeout=30)
        finally:
            process.kill()
    assert (process.returncode, errors) == (0, ""), "the exchange complained"


@pytest.mark.parametrize("script", CLIENTS)
def test_a_foreign_client_trades(script: str, exchange: str) -> None:
    python = python_of(CLIENTS[script])
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [str(python), str(SCRIPTS / script), exchange, KEY, SECRET],
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
        env=environment,
        cwd=SCRIPTS,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said[-6000:]
    for line in said.splitlines():
        assert not any(misfit in line for misfit in MISFITS), line
    assert done.stdout.rstrip().endswith("all done"), said[-6000:]
