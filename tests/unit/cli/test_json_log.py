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


def test_a_field_does_not_hide_what_every_line_has(log: Path) -> None:
    logging.getLogger("roottrading").info("Refusal", extra={"fields": {"at": 5, "text": "no", "symbol": "A"}})
    (line,) = lines(log)
    assert (line["text"], line["symbol"]) == ("Refusal", "A")
    assert str(line["at"]).endswith("Z")


def test_a_log_that_cannot_be_read_back_is_written_all_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    opened = log_to(Path("/dev/full"))
    try:
        logging.getLogger("roottrading").info("one")
        logging.getLogger("roottrading").info("two")
    finally:
        logging.getLogger("roottrading").removeHandler(opened)
        opened.close()
        logging.getLogger("roottrading").propagate = True
    assert capsys.readouterr().err == ("warning: /dev/full: No space left on device; the run goes on without its log\n")
    assert opened.notes() == ("2 lines of the log /dev/full are lost: No space left on device",)
