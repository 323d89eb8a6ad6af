"""One candle's opinion, from the one window that ends with it."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from roottrading.domain.columns import Floats
from roottrading.services.analyzer.anchored_windows import Feed, is_full, window
from roottrading.services.analyzer.door import Readout, admit_one, refusal
from roottrading.services.analyzer.evaluation import (
    RAISED,
    WARMING_UP,
    Failure,
    RawOpinions,
    evaluate,
    failure_at,
    failure_from,
    mark_of,
)
from roottrading.services.analyzer.plan import Placement

_ZERO: Final[Floats] = np.zeros(1)


def evaluate_last(
    placement: Placement, own: Feed, inputs: Mapping[str, Feed], stop: int
) -> tuple[Readout, Failure | None]:
    """Evaluate the candle in row `stop` - 1 of its stream; the readout has this one row."""
    use = placement.use
    start = placement.anchor.window_start(int(own.columns.open_time[stop - 1]))
    if not is_full(own, inputs, start):
        return _none(use.name, WARMING_UP), None
    columns = window(own, inputs, start, stop)
    short = len(columns) <= placement.anchor.lookback
    if not len(columns):
        return _none(use.name, WARMING_UP), None
    try:
        raw = evaluate(use.strategy, columns)
    except Exception as error:  # whatever a strategy raises is its own affair
        if short:
            return _none(use.name, WARMING_UP), None
        return _none(use.name, mark_of(error)), failure_from(use.strategy, error)
    last = len(columns) - 1
    mark, micros = admit_one(raw, last, short)
    failure = failure_at(use.strategy, mark, refusal(raw, last)) if mark >= RAISED else None
    return Readout(use.name, raw.rows(last, last + 1), (mark,), (micros,)), failure


def _none(name: str, mark: int) -> Readout:
    return Readout(name, RawOpinions(_ZERO, {}, {}, None), (mark,), (0,))
