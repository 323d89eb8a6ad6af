"""Recorded frames of Binance's combined streams, and the snapshots taken beside them."""

import gzip
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import msgspec

from roottrading.adapters.exchange.binance.streams.observations import BookSnapshot
from roottrading.adapters.exchange.binance.streams.payloads import levels_of
from tests.recorded import SAMPLES, shared_data

SHIPPED = SAMPLES.parent / "streams"
PART_OF_2024 = SHIPPED / "ethusdt_20240808_first2000.gz"
FEED_OF_2021 = SHIPPED / "binance_2021-10-12_ws.txt.gz"
DEPTHS_OF_2021 = SHIPPED / "binance_2021-10-12_rest_depth.txt.gz"
SINGLE = SHIPPED / "spot_ws_2021-2022.jsonl"


class _Depth(msgspec.Struct):
    last_id: int = msgspec.field(name="lastUpdateId")
    bids: list[tuple[Decimal, Decimal]]
    asks: list[tuple[Decimal, Decimal]]


def whole_feed(name: str) -> Path:
    return shared_data("messages", "ws_raw_feed", name)


def frames(path: Path) -> Iterator[bytes]:
    """Give the frames of a recording, without the times at which they came."""
    for line in lines(path):
        begin = line.find(b'{"stream"')
        if begin >= 0:
            yield line[begin:]


def lines(path: Path) -> list[bytes]:
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix == ".gz" else data).splitlines()


def snapshot_in(line: bytes, symbol: str) -> BookSnapshot | None:
    """Return the REST snapshot of a line, None where it holds something else."""
    begin = line.find(b'{"lastUpdateId"')
    if begin < 0:
        return None
    depth = msgspec.json.decode(line[begin:], type=_Depth)
    return BookSnapshot(symbol, depth.last_id, levels_of(depth.bids), levels_of(depth.asks))


def snapshots_of_2021() -> dict[str, BookSnapshot]:
    found = {}
    for line in lines(DEPTHS_OF_2021):
        if line:
            symbol = line.split(b"symbol=")[1].split(b"&")[0].decode()
            snapshot = snapshot_in(line, symbol)
            assert snapshot is not None
            found[symbol] = snapshot
    return found
