"""What moves money needs no Redis; and every symbol of the account is heard of by one shard."""

from zlib import crc32

from roottrading.runtimes.distributed.sharding import ROLE, carriers_of, home_among


def test_who_needs_which_carrier() -> None:
    needed = {name: carriers_of(role) for name, role in ROLE.items()}
    assert {name for name, found in needed.items() if "redis" in found} == {
        "gateway",
        "analyzer",
        "signal_aggregator",
        "dispatcher",
    }
    assert {name for name, found in needed.items() if "kafka" in found} == {
        "dispatcher",
        "coordinator",
        "trader",
        "portfolio",
    }


def test_of_every_symbol_one_shard_hears() -> None:
    traded = ("LTCUSDT", "XRPUSDT", "BTCUSDT")
    shards = {symbol: crc32(symbol.encode()) % 48 for symbol in traded}
    home = home_among(traded)
    assert {symbol: home(symbol) for symbol in traded} == shards
    others = {symbol: crc32(symbol.encode()) % 48 for symbol in (f"COIN{number}USDT" for number in range(200))}
    with_ours = {symbol: shard for symbol, shard in others.items() if shard in shards.values()}
    assert 0 < len(with_ours) < len(others)
    assert {symbol: home(symbol) for symbol in with_ours} == with_ours
    assert {home(symbol) for symbol in others.keys() - with_ours.keys()} == {min(shards.values())}
