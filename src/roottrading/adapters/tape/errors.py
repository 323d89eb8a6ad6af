"""What is wrong with a tape, said so that its owner can put it right."""

from pathlib import Path


class TapeError(Exception):
    """A tape cannot be read; the text names file, place, column and value, and says what is allowed."""


def tape_error(
    path: Path | str, what: str, *, place: str = "", column: str = "", value: object = None, allowed: str = ""
) -> TapeError:
    """Return the error with its parts in reading order; `place` is a line or row of the file."""
    where = ", ".join(part for part in (str(path), place, f"column {column}" if column else "") if part)
    shown = "" if value is None else f" {str(value)!r}"
    rule = f" (allowed: {allowed})" if allowed else ""
    return TapeError(f"{where}: {what}{shown}{rule}")
