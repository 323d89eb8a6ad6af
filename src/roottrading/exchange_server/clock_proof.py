"""Proof of rest by positions, not by silence (consistency-rules 1.9). No sockets and no time in here.

Every process is asked for its counters in a wave, and answers once it is idle. A wave balances when whatever was said
has been heard, stream by stream, nothing is busy, every frame that the exchange wrote was read, and every request that
a process waits for is held here. A wave's reports are of different moments, so it takes two balanced ones with the
same counters (Mattern's double count): had anything moved between a process's two reports, one of its counters would
have grown; so all of them stood still at the moment between the waves, and at that moment they balance. What is idle
and is told nothing stays idle: rest is then for good, until the exchange itself moves.
"""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from roottrading.domain.time import Time
from roottrading.pipeline import BRIDGES, CHANNELS, ROLES

Awaited = tuple[int, str, str]  # urgency, symbol and client order id of a request without an answer
FOREIGN_RANK: Final = 2  # the urgency of requests that no process of ours told of: as entries, after the others


class Report(Struct, frozen=True, tag="report", tag_field="type"):
    """A process's counters, taken while it was idle (`busy` where it never was).

    `sent` is the highest sequence by stream (it is the source), `seen` by source and stream. `outbox` counts messages
    committed and not yet published, `frames` those read by local address of the connection to the exchange.
    """

    wave: int
    sent: Mapping[str, int] = {}
    seen: Mapping[str, Mapping[str, int]] = {}
    outbox: int = 0
    busy: bool = False
    awaiting: tuple[Awaited, ...] = ()
    frames: Mapping[str, int] = {}
    next_deadline: Time | None = None


class Exchange(Struct, frozen=True):
    """The exchange's own side: frames written by the peer's address, and the ids of the requests that it holds."""

    frames: Mapping[str, int]
    held: frozenset[str]


Snapshot = tuple[tuple[tuple[str, Report], ...], Exchange]


def listeners() -> dict[str, frozenset[str]]:
    """Return by channel which services hear what is said on it, bridges followed, as the pipeline has it."""
    heard: dict[str, frozenset[str]] = {}
    for channel in CHANNELS:
        names = {channel.name} | {bridge.destination.name for bridge in BRIDGES if bridge.origin.name == channel.name}
        heard[channel.name] = frozenset(
            role.name for role in ROLES if any(used.name in names for used in (*role.consumes, *role.timed_by))
        )
    return heard


class RestProof:
    """Who is expected, who is there, and what they said in this wave and the last."""

    def __init__(self, expected: Mapping[str, int], routes: Mapping[str, frozenset[str]] | None = None) -> None:
        """Expect so many processes of each service; `routes` says by channel which services hear it.

        A stream's channel is its name up to the first slash. Raises ValueError for a number below 1.
        """
        for role, count in expected.items():
            if count < 1:
                raise ValueError(f"{count} processes of {role!r} are expected: use 1 or more")
        self.expected = dict(expected)
        self.wave = 0
        self._routes = listeners() if routes is None else routes
        self._roles: dict[str, str] = {}  # by member
        self._reports: dict[str, Report] = {}
        self._balanced: Snapshot | None = None

    def join(self, member: str, role: str) -> None:
        """Take a process in; what was proven before counts no longer.

        Raises ValueError where its service is not expected, or has all its processes already.
        """
        if role not in self.expected:
            known = ", ".join(sorted(self.expected)) or "nobody"
            raise ValueError(f"nobody expects a process of {role!r}: expected are {known}")
        if list(self._roles.values()).count(role) >= self.expected[role]:
            raise ValueError(f"all {self.expected[role]} processes of {role!r} are here")
        self._roles[member] = role
        self._forget()

    def leave(self, member: str) -> None:
        """Let a process go: there is no rest until as many as expected are here again."""
        if self._roles.pop(member, None) is not None:
            self._forget()

    @property
    def gathered(self) -> bool:
        """Whether every expected process is here."""
        here = list(self._roles.values())
        return all(here.count(role) == count for role, count in self.expected.items())

    def ask(self) -> int:
        """Begin a wave and return its number; what comes for earlier ones is dropped."""
        self.wave += 1
        self._reports = {}
        return self.wave

    def report(self, member: str, report: Report) -> None:
        """Take a process's counters, if they are of this wave."""
        if member in self._roles and report.wave == self.wave:
            self._reports[member] = report

    @property
    def complete(self) -> bool:
        """Whether everybody has answered this wave."""
        return self.gathered and self._reports.keys() == self._roles.keys()

    def judge(self, exchange: Exchange) -> bool:
        """Say whether rest is proven: this wave is complete and balances, and equals the one before it.

        Called once for a complete wave.
        """
        if not self.complete:
            return False
        reports = tuple((member, _timeless(self._reports[member])) for member in sorted(self._reports))
        snapshot = (reports, exchange)
        proven = self._balances(exchange) and snapshot == self._balanced
        self._balanced = snapshot if self._balances(exchange) else None
        return proven

    def moved(self) -> None:
        """Say that the exchange did something: what was proven before counts no longer."""
        self._balanced = None

    def next_deadline(self) -> Time | None:
        """Return the earliest deadline that any process told of in this wave."""
        told = [report.next_deadline for report in self._reports.values() if report.next_deadline is not None]
        return min(told, default=None)

    def rank(self, symbol: str, client_order_id: str) -> tuple[int, str, str]:
        """Return a held request's place in canonical order (consistency-rules 1.2)."""
        for report in self._reports.values():
            for awaited in report.awaiting:
                if awaited[2] == client_order_id:
                    return awaited
        return FOREIGN_RANK, symbol, client_order_id

    # ---- inside

    def _forget(self) -> None:
        self._balanced = None
        self._reports = {}

    def _balances(self, exchange: Exchange) -> bool:
        for report in self._reports.values():
            if report.busy or report.outbox:
                return False
            if any(client_order_id not in exchange.held for _, _, client_order_id in report.awaiting):
                return False
            if any(exchange.frames.get(address, 0) != read for address, read in report.frames.items()):
                return False
        return all(
            self._heard(role, source, stream) == sequence
            for (source, stream), sequence in self._said().items()
            for role in self._routes.get(stream.partition("/")[0], ())
            if role != source and role in self.expected
        )

    def _said(self) -> dict[tuple[str, str], int]:
        """Return the highest sequence by source and stream: of several processes the one furthest ahead."""
        said: dict[tuple[str, str], int] = {}
        for member, report in self._reports.items():
            for stream, sequence in report.sent.items():
                key = (self._roles[member], stream)
                said[key] = max(said.get(key, 0), sequence)
        return said

    def _heard(self, role: str, source: str, stream: str) -> int:
        """Return the highest sequence of a stream that any process of a service has seen."""
        reports = [report for member, report in self._reports.items() if self._roles[member] == role]
        return max((report.seen.get(source, {}).get(stream, 0) for report in reports), default=0)


def _timeless(report: Report) -> Report:
    """Return a report without its wave's number."""
    return replace(report, wave=0)
