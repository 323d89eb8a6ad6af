"""Who is told to end waits for what is under way, and gives up by name what does not come."""

import asyncio
import logging
from collections.abc import Collection
from typing import cast

import pytest
from msgspec import Struct

from roottrading.messages.exchange import AnyRequest
from roottrading.runtimes.distributed import finishing
from roottrading.runtimes.distributed.commands.adjusting import Progress, Requests
from roottrading.runtimes.distributed.exchange_side import ExchangeSide
from roottrading.runtimes.distributed.finishing import finish
from roottrading.runtimes.distributed.serving import Serving
from roottrading.runtimes.distributed.sharding import ROLE

STREAM = "trade.events/LTCUSDT"


class Units(Struct):
    """A service's units, as far as they are."""

    seen: dict[str, dict[str, int]]
    is_idle: bool = True
    hears: Collection[str] | None = None

    def finish(self, channels: Collection[str]) -> None:
        self.hears = channels


class Side(Struct):
    """An exchange that answers, or does not."""

    under_way: tuple[AnyRequest, ...] = ()
    is_idle: bool = True
    instruments: dict[str, object] = {}


class Said(Struct):
    """What the traders said."""

    said: dict[str, int]
    taken: int = 0


class Database:
    """Tells what was said, or nothing."""

    def __init__(self, said: dict[str, int] | None) -> None:
        self._said = said

    async def progress_of(self, service: str, shards: Collection[int]) -> Progress:
        if self._said is None:
            await asyncio.Event().wait()
        return Said(self._said or {})


def ended(role: str, units: Units, side: Side, database: Database) -> None:
    asyncio.run(finish(ROLE[role], cast("Serving", units), cast("ExchangeSide", side), cast("Requests", database)))


def request() -> AnyRequest:
    return cast("AnyRequest", object())


@pytest.mark.parametrize(
    ("role", "units", "side", "database", "without"),
    [
        ("trader", Units({}, is_idle=False), Side(), Database({}), "having kept and published all that it decided"),
        ("trader", Units({}), Side((request(), request())), Database({}), "the answers to 2 requests"),
        ("portfolio", Units({}), Side(is_idle=False), Database({}), "having asked the exchange all that it wanted to"),
        ("coordinator", Units({}), Side(), Database(None), "knowing what the traders said"),
        (
            "portfolio",
            Units({"trader": {STREAM: 6}}, is_idle=False),
            Side(),
            Database({STREAM: 7, "alerts/LTCUSDT": 9}),
            f"having read all that the traders said on {STREAM} and having kept and published all that it decided",
        ),
    ],
)
def test_what_does_not_come_is_given_up_by_name(
    role: str,
    units: Units,
    side: Side,
    database: Database,
    without: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(finishing, "FINISH_SECONDS", 0.05)
    ended(role, units, side, database)
    assert caplog.messages == [f"ends without {without}; the next start goes on from there"]


@pytest.mark.parametrize(("role", "hears"), [("trader", set()), ("portfolio", {"trade.events"}), ("gateway", set())])
def test_who_has_all_ends_at_once(role: str, hears: set[str], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    units = Units({"trader": {STREAM: 7}})
    ended(role, units, Side(), Database({STREAM: 7}))
    assert units.hears == hears
    assert caplog.messages == []
