"""The log: one JSON object a line, appended to a file."""

import logging
from datetime import UTC, datetime
from pathlib import Path

import msgspec


class JsonLines(logging.Formatter):
    """Formats a record as one JSON object: at, level, name, text, what `extra={"fields": {...}}` gave, error."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "name": record.name,
            "text": record.getMessage(),
        }
        fields = getattr(record, "fields", None)
        if isinstance(fields, dict):
            line |= fields
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line, enc_hook=str).decode()


def log_to(path: Path) -> None:
    """Append everything that the package logs to the file. Raises OSError where it cannot be written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(JsonLines())
    logger = logging.getLogger("roottrading")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
