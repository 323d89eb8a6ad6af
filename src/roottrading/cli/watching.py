"""The observer of a run: it tallies, shows, logs, paces, and stops where a person wants it to."""

import logging
import signal
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

import msgspec

from roottrading.cli.live_view import REFRESH_SECONDS, View
from roottrading.cli.pacing import Pace
from roottrading.cli.tally import Tally, standing
from roottrading.domain.fill import Fill
from roottrading.domain.time import Time, iso
from roottrading.domain.trade_cycle import TradeCycle
from roottrading.messages.events import AlertRaised, CommandRefused
from roottrading.messages.service import Row
from roottrading.runtimes.embedded import Progress
from roottrading.services.coordinator.state import Refusal

LOGGED: Final = (Fill, TradeCycle, AlertRaised, CommandRefused, Refusal)
logger = logging.getLogger("roottrading.run")


class StopWish:
    """Whether somebody asked the run to stop; it then stops at the next rest, with everything kept."""

    def __init__(self) -> None:
        self.wished = False

    def wish(self, number: int, frame: FrameType | None) -> None:
        """Take a signal; the second one does not wait for a rest."""
        if self.wished:
            raise KeyboardInterrupt
        self.wished = True


@contextmanager
def stop_on_signals() -> Iterator[StopWish]:
    """Turn Ctrl-C and SIGTERM into a wish to stop."""
    stop = StopWish()
    before = {number: signal.signal(number, stop.wish) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Watcher:
    """Called at every rest of a run; `reached` is the last instant that came to rest."""

    def __init__(self, view: View, tally: Tally, pace: Pace, stop: StopWish, logs: bool) -> None:
        self._view = view
        self._tally = tally
        self._pace = pace
        self._stop = stop
        self._logs = logs
        self.reached: Time | None = None

    def __call__(self, progress: Progress) -> bool:
        """Show what is new, wait until the next instant's time has come, and say whether to go on."""
        at = self.reached = progress.position.at
        if progress.rows:
            for event in self._tally.note(progress.rows):
                self._view.event(event)
            if self._logs:
                log_rows(progress.rows, at)
        if progress.position.phase == "candles":
            while (left := self._pace.seconds_until(at)) > 0 and not self._stop.wished:
                self._show(progress)
                time.sleep(min(left, REFRESH_SECONDS))
        self._show(progress)
        return not self._stop.wished

    def _show(self, progress: Progress) -> None:
        if self._view.wants(progress.position.at):
            self._view.show(standing(progress.session, progress.position))


def log_rows(rows: Iterable[Row], at: Time) -> None:
    """Log the facts among the rows, each with the tape's time."""
    for row in rows:
        record = row.values
        if isinstance(record, LOGGED):
            fields = {"tape_at": iso(at), **msgspec.to_builtins(record)}
            if "text" in fields:
                fields["said"] = fields.pop("text")
            logger.info(type(record).__name__, extra={"fields": fields})
