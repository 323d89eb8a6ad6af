import json
import logging
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from roottrading.cli.json_log import log_to


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "deep" / "run.log"
    log_to(path)
    yield path
    logger = logging.getLogger("roottrading")
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
        handler.close()
    logger.propagate = True


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_every_line_is_an_object_with_its_fields(log: Path) -> None:
    logging.getLogger("roottrading.runtimes.x").info("bought %s", "BTC", extra={"fields": {"price": Decimal("1.50")}})
    (line,) = lines(log)
    assert str(line.pop("at")).endswith("Z")
    assert line == {"level": "info", "name": "roottrading.runtimes.x", "text": "bought BTC", "price": "1.50"}


def test_an_error_keeps_its_traceback_on_one_line(log: Path) -> None:
    try:
        raise ValueError("no\nway")
    except ValueError:
        logging.getLogger("roottrading").exception("failed")
    (line,) = lines(log)
    assert line["level"] == "error"
    assert "ValueError: no\nway" in str(line["error"])


def test_lines_are_appended(log: Path) -> None:
    for number in range(2):
        logging.getLogger("roottrading").warning("number %d", number)
    assert [line["text"] for line in lines(log)] == ["number 0", "number 1"]
