"""Where requests go that leave after the commit: to the units the exchange is silent until its events come."""

from collections.abc import Sequence

from roottrading.domain.candle import Candle
from roottrading.domain.time import Time
from roottrading.messages.exchange import AnyRequest, ExchangeEvent, Request
from roottrading.messages.service import Row


class Outbox:
    """In the exchange's place in a session: it keeps what is asked, in canonical order, and answers nothing."""

    def __init__(self) -> None:
        self._held: list[AnyRequest] = []

    def execute(self, request: Request, now: Time) -> Sequence[ExchangeEvent]:
        """Keep a request to be sent."""
        self._held.append(request)  # type: ignore[arg-type]  # every Request is one of AnyRequest
        return ()

    def take(self) -> list[AnyRequest]:
        """Hand over what was kept."""
        held, self._held = self._held, []
        return held

    # the market of a real exchange reaches nobody through a session

    def candle_opens(self, candle: Candle, now: Time) -> Sequence[ExchangeEvent]:
        """Answer nothing."""
        return ()

    def candle_closed(self, candle: Candle, now: Time) -> Sequence[ExchangeEvent]:
        """Answer nothing."""
        return ()

    def changed_rows(self) -> Sequence[Row]:
        """Return nothing: the exchange's rows are its own."""
        return ()
