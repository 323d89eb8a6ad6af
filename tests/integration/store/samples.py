"""Small commits of a trader's shard, and records of every table that there is."""

import types
import typing
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal, Union
from uuid import UUID

import msgspec

from roottrading.adapters.store.port import Commit, UnitState
from roottrading.adapters.store.postgres import schema
from roottrading.adapters.store.postgres.settings import PostgresSettings
from roottrading.messages.envelope import Envelope
from roottrading.messages.events import AlertRaised
from roottrading.messages.service import Row, Table
from roottrading.services.trader.state import TABLES, SymbolLedger

SETTINGS = PostgresSettings(connections=10, connect_timeout=2_000_000, answer_timeout=5_000_000)
TRADER = TABLES
STREAM = "trade.events/S0"


def step(number: int, shard: int = 0) -> Commit:
    """Return what a step of trader/shard changes that took the command `number` and said so: one of everything."""
    stream = f"trade.events/S{shard}"
    body = AlertRaised("info", "step", str(number), "BTCUSDT", number)
    return Commit(
        [Row("trader_symbols", ("BTCUSDT",), SymbolLedger("BTCUSDT", Decimal(number)))],
        {f"trader/{shard}": UnitState({("coordinator", "trade.commands/BTCUSDT"): number}, {stream: number})},
        [("trader", "query", number)],
        outbox=[("trade.events", Envelope("trader", stream, number, number - 1, number, "cause", body))],
        offsets={("trade.commands", 3): number + 1},
    )


def record(table: Table, number: int) -> Any:
    """Return a record of the table with a value in every field, those of `number` apart from those of another."""
    hints = typing.get_type_hints(table.record)
    return table.record(*[_field(table, f.name, hints[f.name], number) for f in msgspec.structs.fields(table.record)])


def row(table: Table, number: int) -> Row:
    """Return a row of the table with such a record."""
    made = record(table, number)
    key = tuple(getattr(made, name, number if name in schema.NUMBERS else f"key {number}") for name in table.key)
    return Row(table.name, key, made)


def _field(table: Table, name: str, hint: Any, number: int) -> Any:
    if name in schema.UUIDS.get(table.name, ()):
        return str(UUID(int=number + 2**64))
    if name in schema.OMITTED.get(table.name, {}):
        return schema.OMITTED[table.name][name]
    if name == "timeframe":
        return "1m"
    return _value(hint, number)


def _value(hint: Any, number: int) -> Any:
    origin, given = typing.get_origin(hint), typing.get_args(hint)
    if origin in {Union, types.UnionType}:
        return _value(next(kind for kind in given if kind is not type(None)), number)
    if origin is Literal:
        return given[number % len(given)]
    if origin is tuple:
        return (_value(given[0], number), *(() if given[1] is ... else [_value(kind, number) for kind in given[1:]]))
    if origin is frozenset:
        return frozenset({_value(given[0], number)})
    if origin is not None and issubclass(origin, Mapping):
        return {_value(given[0], number): _value(given[1], number)}
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        hints = typing.get_type_hints(hint)
        return hint(*[_value(hints[field.name], number) for field in msgspec.structs.fields(hint)])
    plain: dict[Any, Any] = {
        str: f"text {number}",
        int: 1_700_000_000_123_456 + number,
        bool: number % 2 == 0,
        Decimal: Decimal(number).scaleb(-6) + Decimal("0.10"),
    }
    return plain[hint]
