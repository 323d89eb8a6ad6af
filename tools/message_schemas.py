"""The contract of the messages for other programs: JSON Schemas and an AsyncAPI 3 document, from types and map."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from roottrading.adapters.bus.port import Heads
from roottrading.messages.codec import VERSION, bodies, frame_type
from roottrading.pipeline import CHANNELS, ROLES, Channel, Role

Json = dict[str, Any]
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
KEY: Final = {"symbol/timeframe": "BTCUSDT/1m", "symbol": "BTCUSDT", "account": "account"}


def schemas() -> Json:
    """Return a JSON Schema of an envelope, with one of every message and what it is made of."""
    (envelope,), parts = msgspec.json.schema_components([frame_type()], ref_template="#/$defs/{name}")
    return {
        "$schema": DIALECT,
        "title": f"RootTrading messages, version {VERSION}",
        **envelope,
        "$defs": dict(sorted(parts.items())),
    }


def asyncapi() -> Json:
    """Return who says and hears what on which carrier, as an AsyncAPI 3 document."""
    _, parts = msgspec.json.schema_components([frame_type(), Heads], ref_template="#/components/schemas/{name}")
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "RootTrading",
            "version": str(VERSION),
            "description": "Messages between the services. A message is (source, stream, sequence): lower or equal to "
            "the last one seen is a repetition, one that follows another than the last one seen comes after a gap.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "redis": {"host": "localhost:6379", "protocol": "redis", "description": "Pub/Sub, which keeps nothing"},
            "kafka": {"host": "localhost:9092", "protocol": "kafka", "description": "topics of the deployment"},
        },
        "channels": {_id(channel): _channel(channel) for channel in CHANNELS},
        "operations": {name: each for role in ROLES for name, each in _operations(role).items()},
        "components": {
            "messages": {body.__name__: _message(body.__name__) for body in bodies()}
            | {"Heads": {"name": "Heads", "payload": {"$ref": "#/components/schemas/Heads"}}},
            "schemas": _plain(dict(sorted(parts.items()))),
        },
    }


FILES: Final[Mapping[str, Callable[[], Json]]] = {
    "messages/schemas.json": schemas,
    "messages/asyncapi.json": asyncapi,
}


def text_of(document: Json) -> str:
    """Return a document as it stands in its file."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _plain(schema: Any) -> Any:
    """Leave out `discriminator`, which AsyncAPI writes otherwise: `message` in every body tells as much."""
    if isinstance(schema, dict):
        return {key: _plain(value) for key, value in schema.items() if key != "discriminator"}
    return [_plain(each) for each in schema] if isinstance(schema, list) else schema


def _id(channel: Channel) -> str:
    return f"{channel.carrier}_{channel.name}".replace(":", "_").replace(".", "_")


def _channel(channel: Channel) -> Json:
    names = [body.__name__ for body in channel.bodies]
    found: Json = {
        "address": channel.name if channel.carrier == "redis" else f"{{deployment}}.{channel.name}",
        "title": channel.name,
        "description": f"A stream per {channel.per}, such as {channel.name}/{KEY[channel.per]}.",
        "servers": [{"$ref": f"#/servers/{channel.carrier}"}],
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
    }
    if channel.carrier == "kafka":
        found["parameters"] = {"deployment": {"description": "the deployment's name, account.deployment"}}
        return found
    found["messages"]["Heads"] = {"$ref": "#/components/messages/Heads"}
    found["description"] += f" Heads are said on heads:{channel.name}."
    if channel.per == "symbol/timeframe" and channel.name == "market":
        found["address"] = "market:{symbol}:{timeframe}"
        found["parameters"] = {"symbol": {"examples": ["BTCUSDT"]}, "timeframe": {"examples": ["1m"]}}
    return found


def _operations(role: Role) -> Json:
    found = {f"{role.name}_says_{_id(each)}": _operation(role, each, "send") for each in role.produces}
    return found | {f"{role.name}_hears_{_id(each)}": _operation(role, each, "receive") for each in role.consumes}


def _operation(role: Role, channel: Channel, action: str) -> Json:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{_id(channel)}"},
        "summary": f"{role.name} {role.purpose}",
        "tags": [{"name": role.name}],
    }


def _message(name: str) -> Json:
    body = {"properties": {"body": {"$ref": f"#/components/schemas/{name}"}}}
    return {"name": name, "payload": {"allOf": [{"$ref": "#/components/schemas/Frame"}, body]}}
