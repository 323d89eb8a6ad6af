"""Facts that travel as messages and that reports want back: kept as rows beside the services' own."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from roottrading.messages.envelope import Envelope, Message
from roottrading.messages.events import AlertRaised, CommandRefused, ProtectionRestored
from roottrading.messages.service import Row, Table

SPANS: Final = Table("protection_spans", ("cycle_id", "since"), ProtectionRestored, "journal")
ALERTS: Final = Table("alerts", ("stream", "sequence"), AlertRaised, "journal")
REFUSED_COMMANDS: Final = Table("refused_commands", ("stream", "sequence"), CommandRefused, "journal")

TABLES: Final = (SPANS, ALERTS, REFUSED_COMMANDS)


def _span(envelope: Envelope, body: Any) -> Row:
    return Row(SPANS.name, (body.cycle_id, body.since), body)


def _alert(envelope: Envelope, body: Any) -> Row:
    return Row(ALERTS.name, (f"{envelope.source}:{envelope.stream}", envelope.sequence), body)


def _refused(envelope: Envelope, body: Any) -> Row:
    return Row(REFUSED_COMMANDS.name, (f"{envelope.source}:{envelope.stream}", envelope.sequence), body)


RECORDED: Final[Mapping[type[Message], Callable[[Envelope, Any], Row]]] = {
    ProtectionRestored: _span,
    AlertRaised: _alert,
    CommandRefused: _refused,
}
