"""Calling a strategy: what it returned, as columns of one length, or why it has no opinion."""

from types import TracebackType
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from roottrading.domain.columns import Columns, Floats
from roottrading.strategies.contract import Evaluation, Strategy

PLAN_COLUMNS: Final = ("stop_distance", "target_distance", "time_limit", "entry_limit", "size_factor")

# What became of a candle, one byte each; from RAISED on the strategy failed.
WARMING_UP: Final = 0
OK: Final = 1
RAISED: Final = 2
WRONG_LENGTH: Final = 3
NOT_A_NUMBER: Final = 4
OUT_OF_RANGE: Final = 5
KINDS: Final = {
    RAISED: "raised",
    WRONG_LENGTH: "wrong length",
    NOT_A_NUMBER: "not a number",
    OUT_OF_RANGE: "out of range",
}

Marks = npt.NDArray[np.uint8]


class Failure(Struct, frozen=True):
    """Why a strategy has no opinion: the kind, where in its file, and what was wrong."""

    kind: str
    file: str
    line: int
    reason: str


class WrongLength(Exception):
    """A strategy returned a column that is not one value a candle."""


class RawOpinions(Struct):
    """What a strategy returned, as floats: NaN in `plan` and `own` leaves a candle without that value."""

    conviction: Floats
    plan: dict[str, Floats]
    own: dict[str, Floats]
    tag: npt.NDArray[Any] | None

    def rows(self, first: int, stop: int) -> "RawOpinions":
        """Return the rows `first:stop` as views."""
        return RawOpinions(
            self.conviction[first:stop],
            {name: column[first:stop] for name, column in self.plan.items()},
            {name: column[first:stop] for name, column in self.own.items()},
            None if self.tag is None else self.tag[first:stop],
        )


def evaluate(strategy: Strategy, columns: Columns) -> RawOpinions:
    """Call the strategy; WrongLength where a column does not fit, and whatever the strategy raises."""
    try:
        given = strategy.evaluate(columns)
    except SystemExit as error:  # a strategy ends nothing but its own opinion
        raise RuntimeError(f"SystemExit: {error}").with_traceback(error.__traceback__) from None
    length = len(columns)
    if type(given) is not Evaluation:
        return RawOpinions(_column("conviction", given, length), {}, {}, None)
    plan = {}
    for name in PLAN_COLUMNS:
        column = getattr(given, name)
        if column is not None:
            plan[name] = _column(name, column, length)
    own = {name: _column(name, column, length) for name, column in given.columns.items()}
    tag = given.tag
    if tag is not None:
        tag = np.asarray(tag)
        if tag.shape != (length,):
            raise WrongLength(f"tag has the shape {tag.shape} where there are {length} candles")
    return RawOpinions(_column("conviction", given.conviction, length), plan, own, tag)


def _column(name: str, given: Any, length: int) -> Floats:
    column = np.asarray(given, dtype=np.float64)
    if column.shape != (length,):
        raise WrongLength(f"{name} has the shape {column.shape} where there are {length} candles")
    return column


def mark_of(error: Exception) -> int:
    """Return the mark of a candle whose evaluation ended in this error."""
    return WRONG_LENGTH if isinstance(error, WrongLength) else RAISED


def failure_from(strategy: Strategy, error: Exception) -> Failure:
    """Say where in the strategy's file it failed: the deepest line there, else its `evaluate`."""
    if isinstance(error, WrongLength):
        return failure_at(strategy, WRONG_LENGTH, str(error))
    file, line = _evaluates_at(strategy)
    trace: TracebackType | None = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == file:
            line = trace.tb_lineno
        trace = trace.tb_next
    return Failure(KINDS[RAISED], file, line, f"{type(error).__name__}: {error}")


def failure_at(strategy: Strategy, mark: int, reason: str) -> Failure:
    """Return a failure that no exception tells of; it points to the strategy's `evaluate`."""
    return Failure(KINDS[mark], *_evaluates_at(strategy), reason)


def _evaluates_at(strategy: Strategy) -> tuple[str, int]:
    code = type(strategy).evaluate.__code__
    return code.co_filename, code.co_firstlineno
