"""A configuration is what its changes come to; each counts from its T on, and processes begin anew before it."""

import asyncio
from collections.abc import Callable, Sequence
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from roottrading.adapters.bus.redis_state import StrategyConfigured
from roottrading.adapters.store.port import Unreachable
from roottrading.adapters.store.postgres.configuration import Configured
from roottrading.config.settings import RunSettings, Settings, StrategySettings
from roottrading.domain.time import HOUR, MINUTE, SECOND, Time
from roottrading.runtimes.distributed.configuring import reconfiguring
from roottrading.runtimes.distributed.configuring.configuration import (
    Configuration,
    applied,
    completed,
    differences,
    effective_from,
    replayed,
    switches_at,
    together,
    wished,
)
from roottrading.runtimes.distributed.configuring.reconfiguring import Basis, Reconfigured, until_changed

ONE, TWO = Decimal(1), Decimal(2)
NOTHING = Configuration(frozenset(), frozenset(), {})
KNOWN = ("dip", "late", "trend")

_used = st.builds(
    StrategyConfigured,
    st.booleans(),
    st.dictionaries(st.sampled_from(["fast", "slow"]), st.integers(1, 9)),
    st.sampled_from([ONE, TWO, Decimal("0.25")]),
)


@st.composite
def configurations(draw: st.DrawFn) -> Configuration:
    traded = draw(st.frozensets(st.sampled_from(["AAA", "BBB", "CCC"])))
    return Configuration(traded, frozenset(), {name: draw(_used) for name in KNOWN})


@given(st.lists(configurations(), min_size=1, max_size=5))
def test_changes_come_to_what_they_were_made_from(wanted: list[Configuration]) -> None:
    changes: list[Configured] = []
    current, ever = NOTHING, frozenset[str]()
    for at, asked in enumerate(wanted, 1):
        changes += differences(current, asked, at, "anna")
        current, ever = asked, ever | asked.traded
        found = replayed(changes)
        assert found is not None
        assert (found.traded, found.strategies) == (asked.traded, asked.strategies)
        assert found.leaving == ever - asked.traded  # what was traded once is looked after for ever
        assert differences(found, asked, at, "anna") == []
    first = replayed(changes, 1)
    assert first is not None
    assert first.traded == wanted[0].traded


def test_without_changes_nothing_is_said() -> None:
    assert replayed(()) is None
    assert replayed([Configured(1, "symbol", "AAA", '"traded"', 9, "anna")], 8) is None
    gone = [Configured(1, "symbol", "AAA", '"traded"', 1, "anna"), Configured(2, "symbol", "AAA", None, 2, "anna")]
    assert replayed(gone) == NOTHING


def test_settings_are_a_wish_and_take_a_configuration() -> None:
    given_parameters = {"fast": Decimal("2.5")}
    settings = Settings(
        run=RunSettings(symbols=("AAA", "BBB")),
        strategies={"trend": StrategySettings(weight=TWO, parameters=given_parameters, timeframe="1h")},
    )
    wish = wished(settings, ["trend"], KNOWN)
    assert wish.traded == {"AAA", "BBB"}
    assert wish.strategies["trend"] == StrategyConfigured(True, {"fast": "2.5"}, TWO)
    assert wish.strategies["dip"] == StrategyConfigured(False, {}, ONE)
    back = replayed(differences(NOTHING, wish, 0, "settings"))
    assert back == wish  # so that a start with the same settings wishes nothing new

    changed = Configuration(
        frozenset({"CCC"}), frozenset({"AAA"}), {**wish.strategies, "dip": StrategyConfigured(True, {"slow": 3}, TWO)}
    )
    made = applied(settings, changed, KNOWN)
    assert made.run.symbols == ("AAA", "CCC")
    assert made.run.strategies == ("dip", "trend")
    assert made.strategies["dip"] == StrategySettings(True, None, TWO, {"slow": 3})
    assert made.strategies["trend"] == StrategySettings(True, "1h", TWO, {"fast": "2.5"})
    assert applied(settings, changed, ["trend"]).run.strategies == ("trend",)  # its file is gone
    assert replace(made, run=settings.run, strategies=settings.strategies) == settings  # nothing else is changed


def test_what_an_edit_leaves_out_stays_and_what_it_takes_out_is_off() -> None:
    before = Configuration(
        frozenset(), frozenset(), {name: StrategyConfigured(True, {"fast": 1, "slow": 2}, TWO) for name in KNOWN}
    )
    asked = {
        "dip": StrategyConfigured(parameters={"fast": 7}),
        "new": StrategyConfigured(),
        "late": StrategyConfigured(False),
    }
    assert completed(asked, before) == {
        "dip": StrategyConfigured(True, {"fast": 7, "slow": 2}, TWO),
        "late": StrategyConfigured(False, {"fast": 1, "slow": 2}, TWO),
        "new": StrategyConfigured(True, {}, ONE),
        "trend": StrategyConfigured(False, {"fast": 1, "slow": 2}, TWO),
    }


@pytest.mark.parametrize("rate", [1, 20])
@pytest.mark.parametrize("step", [MINUTE, 5 * MINUTE, HOUR])
def test_a_change_counts_from_a_decision_on_that_all_have_heard_of(step: Time, rate: int) -> None:
    for now in (HOUR, HOUR + 1, HOUR + 59 * SECOND, 2 * HOUR - 1):
        at = effective_from(now, MINUTE, step, rate)
        assert at % step == 0
        notice = max(2 * MINUTE, rate * 3 * SECOND)  # two closes that the gateway tells of, and three of our seconds
        assert notice <= switches_at(at, MINUTE) - now < notice + step


def test_who_has_to_be_there_first_is_there_for_both() -> None:
    on, off = StrategyConfigured(True, {"fast": 1}, ONE), StrategyConfigured(False, {"fast": 2}, ONE)
    now = Configuration(frozenset({"AAA"}), frozenset({"CCC"}), {"dip": on, "trend": off})
    coming = Configuration(frozenset({"BBB"}), frozenset({"AAA"}), {"dip": off, "trend": on})
    both = together(now, coming)
    assert both.made_of == (frozenset({"AAA", "BBB", "CCC"}), {"dip": replace(off, enabled=True), "trend": on})
    assert together(now, now) == now


def seen(changes: Sequence[Configured], at: Callable[[], Time], early: bool, recorded: list[Configured]) -> str:
    """Return why an incarnation ended that was made of `changes`; `recorded` come while it runs."""
    asked = 0

    async def read_on(after: int) -> list[Configured]:
        nonlocal asked
        asked += 1
        if asked == 1:
            raise Unreachable("away")
        if asked > 20:
            raise RuntimeError("it goes on")
        return [each for each in recorded if each.number > after]

    wish = Configuration(frozenset({"AAA"}), frozenset(), {"dip": StrategyConfigured(True, {}, ONE)})
    with pytest.raises((Reconfigured, RuntimeError)) as ended:
        asyncio.run(until_changed(Basis(tuple(changes), wish, MINUTE, early), at, read_on))
    return str(ended.value)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconfiguring, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(reconfiguring, "_SOON_SECONDS", 0.0)


WISHES = [
    Configured(1, "symbol", "AAA", '"traded"', 0, "settings"),
    Configured(2, "strategy", "dip", '{"weight":"1"}', 0, "settings"),
]
MORE = [Configured(3, "symbol", "BBB", '"traded"', HOUR, "redis")]
LESS = [Configured(3, "symbol", "AAA", '"leaving"', 0, "redis")]
OTHER = [Configured(3, "strategy", "late", '{"enabled":false}', 0, "redis")]
SOON, THEN = HOUR - MINUTE // 2 - 1, HOUR - MINUTE // 2


@pytest.mark.parametrize(
    ("now", "early", "recorded", "ends"),
    [
        (THEN, False, [*WISHES], False),  # the settings' own wishes are what it is made of
        (SOON, False, [*WISHES, *MORE], False),
        (THEN, False, [*WISHES, *MORE], True),
        (SOON, True, [*WISHES, *MORE], True),
        (THEN, True, [*WISHES, *LESS], False),  # what leaves is looked after by the same processes
        (THEN, False, [*WISHES, *OTHER], False),  # what is off does nothing
    ],
)
def test_an_incarnation_ends_when_another_configuration_counts(
    now: Time, early: bool, recorded: list[Configured], ends: bool
) -> None:
    why = "the configuration changed" if ends else "it goes on"
    assert seen((), lambda: now, early, recorded) == why
    assert seen(recorded, lambda: now, early, recorded) == "it goes on"  # the next is made of it


def test_it_ends_when_the_time_of_a_change_comes() -> None:
    times = iter([SOON] * 8 + [THEN] * 8)
    assert seen([*WISHES, *MORE], lambda: next(times), False, []) == "the configuration changed"
