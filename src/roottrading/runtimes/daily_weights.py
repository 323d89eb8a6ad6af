"""The weights of day after day in a run that goes on: read what is stored, and weigh it beside the loop that trades."""

import asyncio
from typing import Final, Protocol

from roottrading.domain.time import DAY, Time
from roottrading.messages.service import WeightsSet
from roottrading.runtimes.evidence import Evidence, Past, Reach, Witness

_DAYS_AT_ONCE: Final = 8  # after a restart: what a month takes in memory says nothing about what a year takes


class StoredPast(Protocol):
    """Where signals and candles of the past are found: a run's own state and an exchange's history, or a database."""

    async def read(self, reach: Reach, until: Time) -> Past:
        """Return signals and candles from as far back as `reach` says, up to `until` and no later.

        Raises what its source raises where that gives no answer now; it may be asked again.
        """


class DailyWeights:
    """Makes the weights of days, the later ones after the earlier.

    What days told is remembered while weights depend on it, and told again after a restart. It is told in a thread of
    its own, so that the loop goes on meanwhile.
    """

    def __init__(self, witness: Witness, past: StoredPast) -> None:
        """Nothing is read yet."""
        self._witness = witness
        self._past = past
        self._told: list[Evidence] = []

    async def of(self, day: Time) -> WeightsSet:
        """Return the weights that rule verdicts with T > 01:00 UTC of `day` (its 00:00 UTC).

        All that was said up to `day` must be stored by now. Raises what reading the past raises: what was told until
        then stays.
        """
        first = self._witness.first_day(day)
        self._told = [each for each in self._told if each.until > first]
        since = self._told[-1].until if self._told else first
        while since < day:
            until = min(day, since + _DAYS_AT_ONCE * DAY)
            past = await self._past.read(self._witness.reach(since), until)
            self._told.append(await asyncio.to_thread(self._witness.tell, since, until, past))
            since = until
        return self._witness.weights(day, self._told)
