"""A finding: what was looked at, how it is, and what to do about it."""

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

Level = Literal["ok", "warning", "problem"]


class Finding(Struct, frozen=True):
    """One line of the doctor's; `advice` says what to do where all is not well. No secret ever stands in it."""

    check: str
    level: Level
    text: str
    advice: str = ""

    def __str__(self) -> str:
        return f"{self.level:<8} {self.check}: {self.text}{f' - {self.advice}' if self.advice else ''}"


def ok(check: str, text: str) -> Finding:
    """Say that all is well there."""
    return Finding(check, "ok", text)


def warning(check: str, text: str, advice: str) -> Finding:
    """Say what may become a problem."""
    return Finding(check, "warning", text, advice)


def problem(check: str, text: str, advice: str) -> Finding:
    """Say what must be mended first."""
    return Finding(check, "problem", text, advice)


def problems(findings: Iterable[Finding]) -> list[Finding]:
    """Return those that keep a run from beginning."""
    return [finding for finding in findings if finding.level == "problem"]
