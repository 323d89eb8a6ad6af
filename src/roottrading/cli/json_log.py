"""The log: one JSON object a line, appended to a file."""

import logging
import sys
from datetime import UTC, datetime
from pathlib import Path

import msgspec


class JsonLines(logging.Formatter):
    """Formats a record as one JSON object: at, level, name, text, what `extra={"fields": {...}}` gave, error.

    A field cannot take the place of the line's own at, level, name and text.
    """

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
            line |= {name: value for name, value in fields.items() if name not in line}
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line, enc_hook=str).decode()


class LogFile(logging.Handler):
    """Appends whole lines to a file; one that the disk does not take is counted as `lost`, and the run goes on."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._file = path.open("ab", buffering=0)
        self._failed = ""
        self.lost = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record's line, all of it or nothing."""
        line = self.format(record).encode() + b"\n"
        begin = self._file.seek(0, 2) if self._path.is_file() else None
        try:
            whole = self._file.write(line) == len(line)
        except OSError as error:
            whole = False
            self._failed = error.strerror or str(error)
        if not whole:
            if begin is not None:
                self._file.truncate(begin)
            self.lost += 1
            if self.lost == 1:
                print(f"warning: {self._path}: {self._reason()}; the run goes on without its log", file=sys.stderr)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()

    def notes(self) -> tuple[str, ...]:
        """Return what a report should say of the log."""
        return (f"{self.lost} lines of the log {self._path} are lost: {self._reason()}",) if self.lost else ()

    def _reason(self) -> str:
        return self._failed or "no room left on its disk"


def log_to(path: Path) -> LogFile:
    """Append everything that the package logs to the file. Raises OSError where it cannot be written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = LogFile(path)
    handler.setFormatter(JsonLines())
    logger = logging.getLogger("roottrading")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    return handler
