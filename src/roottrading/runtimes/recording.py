"""Facts that travel as messages and that reports want back: kept as rows beside the services' own."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from roottrading.messages.envelope import Envelope, Message
from roottrading.messages.events import (
    AlertRaised,
    CommandRefused,
    ProtectionRestored,
    TradeProgressed,
    facts_of,
)
from roottrading.messages.service import Row, Table

Place = tuple[str, int, int]  # source and stream, sequence, place among the facts of one message

SPANS: Final = Table("protection_spans", ("cycle_id", "since"), ProtectionRestored, "journal")
ALERTS: Final = Table("alerts", ("stream", "sequence", "place"), AlertRaised, "journal")
REFUSED_COMMANDS: Final = Table("refused_commands", ("stream", "sequence", "place"), CommandRefused, "journal")

TABLES: Final = (SPANS, ALERTS, REFUSED_COMMANDS)


def _span(place: Place, fact: Any) -> Row:
    return Row(SPANS.name, (fact.cycle_id, fact.since), fact)


def _alert(place: Place, fact: Any) -> Row:
    return Row(ALERTS.name, place, fact)


def _refused(place: Place, fact: Any) -> Row:
    return Row(REFUSED_COMMANDS.name, place, fact)


_RECORDED: Final[Mapping[type[Message], Callable[[Place, Any], Row]]] = {
    ProtectionRestored: _span,
    AlertRaised: _alert,
    CommandRefused: _refused,
}
MAY_HOLD_FACTS: Final = frozenset({TradeProgressed, *_RECORDED})  # bodies for which `record` is worth a call


def record(envelope: Envelope, rows: list[Row]) -> None:
    """Add the rows of the facts in the envelope that reports want back."""
    for number, fact in enumerate(facts_of(envelope.body)):
        if type(fact) in _RECORDED:
            place = (f"{envelope.source}:{envelope.stream}", envelope.sequence, number)
            rows.append(_RECORDED[type(fact)](place, fact))
