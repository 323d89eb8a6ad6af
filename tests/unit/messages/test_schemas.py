"""The documents for other programs say what the code does."""

import json
from pathlib import Path
from typing import Any

import pytest

from roottrading.messages.codec import bodies
from roottrading.pipeline import CHANNELS, ROLES
from tools.message_schemas import FILES, asyncapi, schemas, text_of

DOCS = Path(__file__).parents[3] / "docs"


@pytest.mark.parametrize("name", FILES)
def test_the_files_are_current(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == text_of(FILES[name]()), "run `make docs`"


@pytest.mark.parametrize("document", [schemas(), asyncapi()], ids=["schemas", "asyncapi"])
def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    found = [text.split('"')[0] for text in json.dumps(document).split('"$ref": "')[1:]]
    assert found
    for reference in found:
        place: Any = document
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]


def test_every_message_has_a_schema() -> None:
    assert {body.__name__ for body in bodies()} <= schemas()["$defs"].keys()


def test_every_channel_is_said_and_heard_by_those_of_the_map() -> None:
    document = asyncapi()
    assert len(document["channels"]) == len(CHANNELS)
    told = {name: each["action"] for name, each in document["operations"].items()}
    assert sum(action == "send" for action in told.values()) == sum(len(role.produces) for role in ROLES)
    assert sum(action == "receive" for action in told.values()) == sum(len(role.consumes) for role in ROLES)
    assert told["dispatcher_says_kafka_signals_aggregated"] == "send"
    assert told["dispatcher_hears_redis_signals_aggregated"] == "receive"
