"""Every measurement of `python -m benchmarks.distributed` runs, at its smallest, and tells its figures."""

import os
import re
import subprocess
import sys

import pytest

from roottrading.config.secrets import KAFKA_URL, POSTGRES_URL, REDIS_URL
from roottrading.operations.local_servers.addresses import Servers
from tests.e2e.test_docs import ROOT

MEASUREMENTS = {
    "ticks --symbols 4 --minutes 2 --ticks 2": r"([\d,]+) frames/s, ([\d,]+) candles/s stored and published",
    "candles --symbols 6 --strategies sma_cross --instances 2 --minutes 20": r"([\d,]+) candles/s, ([\d.]+) ms of",
    "verdicts --symbols 6 --repeat 1 --neutral 1": r"to sell: p50 ([\d.]+), .*; ([\d,]+) commands/s at best",
    "commands --symbols 6": r"6 commands to sell, .*\n  ([\d,]+) commands/s, ([\d,]+) requests/s",
    "rows --symbols 2 --rows 200": r"there already: ([\d,]+) rows/s",
    "embedded --candles 20": r"1?\d of 20 candles led to a request\n.*: p50 ([\d.]+), p95 ([\d.]+)",
}


@pytest.mark.parametrize("words", MEASUREMENTS, ids=lambda words: words.split()[0])
def test_a_measurement_tells_its_figures(words: str, servers: Servers) -> None:
    environment = {
        **os.environ,
        REDIS_URL: servers.redis_url,
        KAFKA_URL: servers.kafka_url,
        POSTGRES_URL: servers.postgres_url,
        "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "src"))),
    }
    measured = subprocess.run(
        (sys.executable, "-m", "benchmarks.distributed", *words.split()),
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert measured.returncode == 0, measured.stderr[-3000:]
    found = re.search(MEASUREMENTS[words], measured.stdout)
    assert found, measured.stdout
    assert all(float(figure.replace(",", "")) > 0 for figure in found.groups())
