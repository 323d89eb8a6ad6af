"""Show settings as TOML that reads back as the same settings, each value with the place it was set."""

from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from roottrading.adapters.store.postgres.settings import PostgresSettings
from roottrading.config.fields import Field, fields_of
from roottrading.config.reading import DEFAULT
from roottrading.config.settings import DERIVED, BinanceSettings, Settings
from roottrading.config.sources import Key
from roottrading.config.values import to_toml

# Settings that change where a run reads and writes and how fast it is, but never what it trades.
_AROUND: Final = frozenset(
    {
        "tape",
        "instruments",
        "speed",
        "state",
        "exchange",
        "market",
        "admin",
        "output",
        "report",
        "equity",
        "log",
        "ledger",
        "strategy_folder",
    }
)


# where the market is heard and things are kept decides no trade either
_ELSEWHERE: Final = BinanceSettings()
_KEPT: Final = PostgresSettings()


def show(settings: Settings, origins: Mapping[Key, str]) -> str:
    """Return the settings as a TOML document with origins as comments."""
    return "\n".join(_section(settings, (), origins)).strip() + "\n"


def settings_digest(settings: Settings) -> str:
    """Return a digest of all that decides what is traded: two runs of different settings are different runs."""
    settings = replace(settings, binance=_ELSEWHERE, postgres=_KEPT)
    lines = [line for line in _section(settings, (), {}) if line.partition(" = ")[0] not in _AROUND]
    return blake2b("\n".join(lines).encode(), digest_size=8).hexdigest()


def _section(struct: Struct, prefix: Key, origins: Mapping[Key, str]) -> Iterator[str]:
    later: list[tuple[Key, Any]] = []
    for field in fields_of(type(struct)):
        key = (*prefix, field.name)
        if key in DERIVED:
            continue
        value = getattr(struct, field.name)
        if field.kind == "table" or (field.kind == "section" and value is not None):
            later.append((key, value))
        else:
            yield _line(field, key, value, origins)
    for key, value in later:
        yield from _nested(key, value, origins)


def _nested(key: Key, value: Any, origins: Mapping[Key, str]) -> Iterator[str]:
    yield ""
    yield f"[{'.'.join(map(_quoted, key))}]"
    if isinstance(value, Struct):
        yield from _section(value, key, origins)
        return
    tables = []
    for name, item in value.items():
        if isinstance(item, Struct | Mapping):
            tables.append(((*key, name), item))
        else:
            yield _line(None, (*key, name), item, origins)
    for below, item in tables:
        yield from _nested(below, item, origins)


def _line(field: Field | None, key: Key, value: Any, origins: Mapping[Key, str]) -> str:
    origin = origins.get(key, DEFAULT)
    comment = "" if origin == DEFAULT else f"  # {origin}"
    return f"{_quoted(key[-1])} = {to_toml(value, field)}{comment}"


def _quoted(name: str) -> str:
    return name if name.replace("_", "").replace("-", "").isalnum() and name.isascii() else f'"{name}"'
