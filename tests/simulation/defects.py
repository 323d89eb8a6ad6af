"""Deliberate defects, each one part of an honest world replaced: the simulation must notice every one of them.

Nothing of this stands in the package; a defect is what somebody might well have written instead.
"""

from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from roottrading.messages.envelope import Envelope
from roottrading.messages.exchange import (
    Request,
)
from roottrading.messages.service import Input, Resumed
from roottrading.runtimes.step import Effects, Unit
from tests.simulation.bad_habits import ProtectsLater, RepeatsOnSilence, never_waits, trader
from tests.simulation.carriers import Carriers
from tests.simulation.database import Database
from tests.simulation.exchange_door import CHANGING, Door
from tests.simulation.process import Process, Work
from tests.simulation.scheduler import MOST_TURNS, Scheduler
from tests.simulation.world import Parts

HASTE: Final = 0.2

# ---- the process and its transaction


class SendsFirst(Process):
    """Requests leave before the commit stands."""

    def finish(self, unit: Unit, done: Effects, forwarded: list[Envelope], fed: int, taken: list[Input]) -> Work:
        """Send, then commit."""
        self.world.send(done.requests)
        yield "sent"
        self.world.commit(unit, done, fed, taken)
        self.fed = fed
        done.requests = []
        yield "committed"
        for channel, envelope in self.leaving(done, forwarded):
            self.world.carriers.publish(channel, envelope)
            yield "published"


class TakesAnything(Process):
    """No sequence check: what was heard before is heard again."""

    def take(self, unit: Unit, given: Input, done: Effects) -> None:
        """Pretend that the message is the next one."""
        if isinstance(given, Envelope):
            unit.seen[given.source, given.stream] = given.follows
        super().take(unit, given, done)


class IgnoresGaps(Process):
    """No refetch: what is missing stays missing."""

    def refetch(self, unit: Unit, position: tuple[str, str], last: int, until: int) -> list[Envelope]:
        """Go on as if nothing had been there."""
        unit.seen[position] = until
        return []


class SendsAgain(Process):
    """After a load, unanswered requests are sent again instead of asked for."""

    def resumed(self, unanswered: tuple[Request, ...]) -> Resumed:
        """Send all that changes something once more, signed anew."""
        now = self.world.now
        again = [replace(request, issued_at=now) for request in unanswered if isinstance(request, CHANGING)]
        self.world.send(again)
        return super().resumed(unanswered)


class Unfenced(Database):
    """Whoever commits last is right."""

    def check_fence(self, unit: Unit) -> None:
        """Let everybody in."""


class ForgetsSent(Database):
    """The transaction leaves out the sequences that were sent."""

    def commit(self, unit: Unit, done: Effects, fed: int, answered: list[str], deadline: str | None) -> None:
        """Commit all the rest."""
        before = self.kept[unit.role].sent
        super().commit(unit, done, fed, answered, deadline)
        self.kept[unit.role].sent = before


class ForgetsSeen(Database):
    """The transaction leaves out the positions that were consumed."""

    def commit(self, unit: Unit, done: Effects, fed: int, answered: list[str], deadline: str | None) -> None:
        """Commit all the rest."""
        before = self.kept[unit.role].seen
        super().commit(unit, done, fed, answered, deadline)
        self.kept[unit.role].seen = before


# ---- the carriers and time


class Headless(Carriers):
    """Nobody repeats the heads: the last message lost is never missed."""

    def heads(self) -> bool:
        """Say nothing of Pub/Sub; the relay to Kafka is another promise."""
        return self.repeat_heads("kafka")


class Unrelayed(Carriers):
    """What was committed and not published stays in the outbox."""

    def relay(self, channel: str, missing: list[Envelope]) -> bool:
        """Do nothing."""
        return False


class Hasty(Scheduler):
    """The market moves on before everybody rests."""

    patience = MOST_TURNS

    def work_until_idle(self) -> bool:
        """Take a while for rest, now and then."""
        dice = self.world.dice
        hasty = dice.random() < HASTE
        self.patience = dice.randrange(3, 30) if hasty else MOST_TURNS
        return super().work_until_idle() and not hasty

    def may_go_on(self) -> bool:
        """Count turns."""
        self.patience -= 1
        return self.patience > 0


class ByArrival(Door):
    """Requests are carried out as they come."""

    def in_turn(self, held: list[Request]) -> list[Request]:
        """Return them as they came."""
        return held


DEFECTS: Final[Mapping[str, Parts]] = {
    "send before commit": Parts(process=SendsFirst),
    "no fence": Parts(database=Unfenced),
    "no sequence check": Parts(process=TakesAnything),
    "no refetch of gaps": Parts(process=IgnoresGaps),
    "no heads": Parts(carriers=Headless),
    "unanswered requests sent again": Parts(process=SendsAgain),
    "absence final at once": Parts(service=trader(never_waits)),
    "retry with the same id": Parts(service=trader(RepeatsOnSilence)),
    "protection after a hop": Parts(service=trader(ProtectsLater)),
    "outbox not relayed": Parts(carriers=Unrelayed),
    "commit without the sent sequences": Parts(database=ForgetsSent),
    "commit without the positions": Parts(database=ForgetsSeen),
    "market moves before rest": Parts(scheduler=Hasty),
    "requests in order of arrival": Parts(door=ByArrival),
}
