"""The strategies' door: out of range is refused, and floats become the numbers that leave (trading-rules 4.3).

One candle and a whole column go through the same functions, so that both give the same bits.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from math import isinf, isnan
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from roottrading.domain.columns import Floats
from roottrading.domain.money import conviction_of, significant
from roottrading.messages.signals import Opinion
from roottrading.services.analyzer.evaluation import (
    NOT_A_NUMBER,
    OK,
    OUT_OF_RANGE,
    PLAN_COLUMNS,
    WARMING_UP,
    Marks,
    RawOpinions,
)

Micros = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]

MICRO: Final = Decimal("0.000001")
NO_CONVICTION: Final = 0 * MICRO
_NOTHING: Final[Mapping[str, Decimal]] = {}


def micro_units(conviction: Floats) -> Micros:
    """Round convictions in [-1, 1] to millionths, exactly as `conviction_of` does: half-even on the float's own value.

    The product with 1e6 is itself rounded, but never across a half: only where it lands on one is the float's exact
    value asked for.
    """
    scaled = conviction * 1e6
    rounded = np.rint(scaled)
    for row in np.flatnonzero(np.abs(scaled - rounded) == 0.5):
        rounded[row] = int(conviction_of(float(conviction[row])).scaleb(6))
    return rounded.astype(np.int32)


def admit(raw: RawOpinions, marks: Marks, short: Flags) -> Micros:
    """Judge the rows marked OK, in place, and return their convictions in millionths (0 where there is no opinion).

    Refused are a conviction that is NaN or outside [-1, 1], an infinite column, and, where the strategy buys, a
    distance, limit or factor outside its range. In `short` rows, which have fewer candles before them than the
    lookback because the market had none there, what would be refused is warming up.
    """
    judged = marks == OK
    missing = judged & np.isnan(raw.conviction)
    wrong = judged & (np.abs(raw.conviction) > 1)
    accepted = judged & ~missing & ~wrong
    micros = micro_units(raw.conviction) if accepted.all() else micro_units(np.where(accepted, raw.conviction, 0.0))
    if raw.plan:
        buys = micros > 0
        for name, column in raw.plan.items():
            wrong |= buys & outside_plan(name, column)
    for column in raw.own.values():
        wrong |= judged & np.isinf(column)
    if missing.any() or wrong.any():
        marks[missing] = NOT_A_NUMBER
        marks[wrong] = OUT_OF_RANGE
        marks[(missing | wrong) & short] = WARMING_UP
        micros[missing | wrong] = 0
    return micros


def admit_one(raw: RawOpinions, row: int, short: bool) -> tuple[int, int]:
    """Return mark and conviction in millionths of a single row: what `admit` makes of it, without its arrays."""
    conviction = float(raw.conviction[row])
    mark, micros = OK, 0
    if isnan(conviction):
        mark = NOT_A_NUMBER
    elif abs(conviction) > 1:
        mark = OUT_OF_RANGE
    else:
        scaled = conviction * 1e6
        micros = round(scaled)
        if abs(scaled - micros) == 0.5:
            micros = int(conviction_of(conviction).scaleb(6))
    if micros > 0:
        for name, column in raw.plan.items():
            if outside_plan(name, column[row]):
                mark = OUT_OF_RANGE
    for column in raw.own.values():
        if isinf(column[row]):
            mark = OUT_OF_RANGE
    if mark != OK:
        return (WARMING_UP if short else mark), 0
    return mark, micros


def outside_plan(name: str, column: Any) -> Any:
    """Say where a plan's column has a value that none may have; NaN is no value, nor is a time limit below 1."""
    if name == "time_limit":
        return np.isinf(column)
    if name == "size_factor":
        return (column <= 0) | (column > 1)
    return (column <= 0) | np.isinf(column)


def refusal(raw: RawOpinions, row: int) -> str:
    """Say what was wrong with a row that `admit` refused."""
    conviction = raw.conviction[row]
    if np.isnan(conviction) or abs(conviction) > 1:
        return f"conviction is {conviction}: it must be a number in [-1, 1]"
    for name, column in raw.plan.items():
        if outside_plan(name, column[row]):
            return f"{name} is {column[row]}: it must be finite and above 0 (size_factor: at most 1)"
    infinite = [name for name, column in raw.own.items() if np.isinf(column[row])]
    return f"column {', '.join(infinite)} is infinite"


class Readout:
    """Reads single opinions out of admitted columns: Decimals from here on.

    Of a `plain` strategy, which gives a conviction and nothing else, the opinion is the same while mark and conviction
    are.
    """

    __slots__ = (
        "_entry_limit",
        "_marks",
        "_micros",
        "_own",
        "_size",
        "_stop",
        "_tag",
        "_target",
        "_time",
        "name",
        "plain",
    )

    def __init__(self, name: str, raw: RawOpinions, marks: Sequence[int], micros: Sequence[int]) -> None:
        """Take one strategy's columns, what became of the candles and the convictions in millionths."""
        self.name = name
        self._marks = marks
        self._micros = micros
        self._stop, self._target, self._time, self._entry_limit, self._size = (
            _view(raw.plan.get(column)) for column in PLAN_COLUMNS
        )
        self._tag = raw.tag
        self._own = tuple((column, values.data) for column, values in raw.own.items())
        self.plain = not raw.plan and not raw.own and raw.tag is None

    def opinion(self, row: int, signal: int = 0) -> Opinion:
        """Return the opinion of one row; what makes an entry's plan comes only with one that buys."""
        mark, micros = self._marks[row], self._micros[row]
        if mark != OK:
            return Opinion(self.name, NO_CONVICTION, signal, "warming_up" if mark == WARMING_UP else "failed")
        if self.plain:
            return Opinion(self.name, MICRO * micros, signal)
        own = self._row(row) if self._own else _NOTHING
        if micros <= 0:
            return Opinion(self.name, MICRO * micros, signal, "ok", None, None, None, None, None, "", own)
        limit = None if self._time is None else self._time[row]
        return Opinion(
            self.name,
            MICRO * micros,
            signal,
            "ok",
            None if self._stop is None else _optional(self._stop[row]),
            None if self._target is None else _optional(self._target[row]),
            None if limit is None or not limit >= 1 else int(limit),
            None if self._entry_limit is None else _optional(self._entry_limit[row]),
            None if self._size is None else _optional(self._size[row]),
            "" if self._tag is None else str(self._tag[row]),
            own,
        )

    def _row(self, row: int) -> Mapping[str, Decimal]:
        return {name: significant(value) for name, column in self._own if not isnan(value := column[row])} or _NOTHING

    def own(self, name: str, row: int) -> float | None:
        """Return a column's float; None where it has no value."""
        for column, values in self._own:
            if column == name:
                value: float = values[row]
                return None if isnan(value) or self._marks[row] != OK else value
        return None


def _view(column: Floats | None) -> Any:
    return None if column is None else column.data


def _optional(value: float) -> Decimal | None:
    return None if isnan(value) else significant(value)
