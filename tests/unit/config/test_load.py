import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import reduce
from pathlib import Path
from typing import Annotated, Any, get_args

import pytest
from msgspec import Meta, Struct

from roottrading.config.fields import Field, fields_of
from roottrading.config.load import ConfigError, Loaded, load
from roottrading.config.reading import Reader
from roottrading.config.settings import DERIVED, Settings, StrategySettings, Timeframe
from roottrading.config.show import settings_digest, show
from roottrading.config.sources import Given
from roottrading.domain.bounds import Bounds
from roottrading.domain.time import TIMEFRAMES, parse_time


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(text: str, name: str = "roottrading.toml") -> Path:
    Path(name).write_text(text, encoding="utf-8")
    return Path(name)


def problems(*assignments: str, **environment: str) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        load(assignments=assignments, environment=environment)
    return [str(problem) for problem in refused.value.problems]


def test_nothing_given_gives_the_defaults() -> None:
    loaded = load()
    assert loaded.settings == Settings()
    assert set(loaded.origins.values()) == {"default"}


def test_later_sources_win_and_are_named() -> None:
    write("[coordinator]\nmax_cycles = 3\nstops_in_a_row = 4\nmax_entries_per_instant = 1\n")
    loaded = load(
        environment={"ROOTTRADING_COORDINATOR__MAX_CYCLES": "6", "ROOTTRADING_COORDINATOR__STOPS_IN_A_ROW": "7"},
        assignments=["coordinator.max_cycles=8"],
    )
    coordinator = loaded.settings.coordinator
    assert (coordinator.max_cycles, coordinator.stops_in_a_row, coordinator.max_entries_per_instant) == (8, 7, 1)
    assert [
        loaded.origins["coordinator", key] for key in ("max_cycles", "stops_in_a_row", "max_entries_per_instant")
    ] == [
        "flag --set coordinator.max_cycles",
        "variable ROOTTRADING_COORDINATOR__STOPS_IN_A_ROW",
        "roottrading.toml:4",
    ]


def test_an_option_of_its_own_wins_over_set() -> None:
    loaded = load(assignments=["run.timeframe=1h"], flags={"run.timeframe": ("15m", "--timeframe")})
    assert loaded.settings.run.timeframe == "15m"
    assert loaded.origins["run", "timeframe"] == "flag --timeframe"


def test_the_file_may_be_named_by_the_environment_or_by_hand() -> None:
    write("[run]\ntimeframe = '1h'\n", "a.toml")
    write("[run]\ntimeframe = '4h'\n", "b.toml")
    write("[run]\ntimeframe = '1d'\n")
    assert load().settings.run.timeframe == "1d"
    assert load(environment={"ROOTTRADING_CONFIG": "a.toml"}).settings.run.timeframe == "1h"
    assert load(Path("b.toml"), environment={"ROOTTRADING_CONFIG": "a.toml"}).settings.run.timeframe == "4h"


def test_a_file_that_is_named_must_be_there() -> None:
    with pytest.raises(ConfigError, match=r"absent\.toml: cannot be read: No such file"):
        load(Path("absent.toml"))


def test_broken_toml_is_named_with_its_place() -> None:
    with pytest.raises(ConfigError, match=r"roottrading\.toml: is no valid TOML: .*line 2"):
        load(write("[run]\nspeed = \n"))


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("account.capital", "2500.50", Decimal("2500.50")),
        ("coordinator.risk_per_cycle", "0.1", Decimal("0.1")),
        ("coordinator.risk_per_cycle", "off", None),
        ("coordinator.max_cycles", "none", None),
        ("fees.in_bnb", "yes", True),
        ("fees.in_bnb", "False", False),
        ("run.symbols", "BTCUSDT, ETHUSDT", ("BTCUSDT", "ETHUSDT")),
        ("run.symbols", "", ()),
        ("run.start", "2024-01-31", parse_time("2024-01-31")),
        ("run.start", "2024-01-31T12:00:00Z", parse_time("2024-01-31T12:00:00Z")),
        ("aggregator.weighting", "equal", "equal"),
        ("run.speed", "60x", "60x"),
        ("coordinator.stop_distance.ema_cross", "0.02", {"ema_cross": Decimal("0.02")}),
    ],
)
def test_text_becomes_the_fields_type(key: str, text: str, value: object) -> None:
    settings = load(assignments=[f"{key}={text}"]).settings
    section, name = key.split(".")[:2]
    assert getattr(getattr(settings, section), name) == value


def test_toml_numbers_are_exact() -> None:
    write("[account]\ncapital = 1000000.000000000000000001\n")
    assert load().settings.account.capital == Decimal("1000000.000000000000000001")


def test_toml_dates_are_taken_as_utc() -> None:
    write("[run]\nstart = 2024-01-31\nend = 2024-02-01T06:00:00+02:00\n")
    run = load().settings.run
    assert (run.start, run.end) == (parse_time("2024-01-31"), parse_time("2024-02-01T04:00:00Z"))


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("coordinator.max_cycles=0", '0 is not allowed: use a whole number at least 1 and at most 1000, or "off"'),
        ("coordinator.max_cycles=1001", "1001 is not allowed: use a whole number at least 1 and at most 1000"),
        ("coordinator.max_cycles=2.5", "2.5 is not allowed: use a whole number"),
        ("coordinator.daily_loss=1", "1 is not allowed: use a number above 0 and below 1"),
        ("fees.taker=-0.001", "-0.001 is not allowed: use a number at least 0 and below 1"),
        ("fees.taker=NaN", "NaN is not allowed: use a number"),
        ("fees.taker=Infinity", "Infinity is not allowed: use a number"),
        ("fees.taker=cheap", "cheap is not allowed: use a number"),
        ("fees.taker=off", "off is not allowed: use a number"),
        ("exchange.slippage=1", "1 is not allowed: use a number at least 0 and below 1"),
        ("fees.in_bnb=perhaps", "perhaps is not allowed: use true or false"),
        ("aggregator.weighting=wild", "wild is not allowed: use one of equal, learned"),
        ("run.timeframe=7m", "7m is not allowed: use one of 1m, 3m, 5m"),
        ("run.speed=fast", 'fast is not allowed: use "max", or how often faster than time'),
        ("run.start=tomorrow", "tomorrow is not allowed: use a date or an instant"),
        ("run.start=2024-01-31T12:00:00", "is not allowed: use a date or an instant"),
        ("run.symbols=BTC USDT", "BTC USDT is not allowed: use a list: each a name"),
        ("account.deployment=Live", "Live is not allowed: use 1 to 8 small letters or digits"),
        ("coordinator.stop_distance.ema_cross=2", "2 is not allowed: use a number above 0 and below 1"),
        ("run.market=live", 'live is not allowed: use "binance" or an exchange server\'s address'),
        ("binance.rest=api.binance.com", "is not allowed: use address of REST for orders and account"),
        ("binance.stream=https://a", "is not allowed: use address of the market's streams"),
        ("binance.streams.control_messages=5", "5 is not allowed: use a whole number at least 1 and at most 4"),
        ("binance.streams.silence.least.depth=0", "0 is not allowed: use a whole number above 0"),
        ("account=3", "is a section: give its keys"),
        ("strategies=3", "is a section: give names and their values"),
        ("account.capital.more=3", "is a value, not a section"),
    ],
)
def test_a_wrong_value_names_key_place_value_and_what_is_allowed(assignment: str, message: str) -> None:
    (problem,) = problems(assignment)
    key = assignment.partition("=")[0]
    assert problem.startswith(f"{key} (flag --set {key}): ")
    assert message in problem


def test_wrong_types_in_toml_are_refused_with_their_line() -> None:
    write('# comment\n[fees]\nin_bnb = "true"\n\n[run]\nsymbols = 5\n[coordinator]\nmax_cycles = true\n')
    assert problems() == [
        "run.symbols (roottrading.toml:6): 5 is not allowed: use a list: each a name of letters, digits and "
        "underscores",
        'fees.in_bnb (roottrading.toml:3): "true" is not allowed: use true or false',
        "coordinator.max_cycles (roottrading.toml:8): true is not allowed: use a whole number at least 1 and at most "
        '1000, or "off"',
    ]


def test_everything_wrong_is_said_at_once() -> None:
    write("[fees]\ntaker = 3\nmake = 1\n")
    found = problems("run.speed=fast", "nonsense", ROOTTRADING_RUN__SPED="1x")
    assert len(found) == 5
    assert "flag --set nonsense: has no key=value" in found
    assert "fees.make (roottrading.toml:3): is unknown: did you mean fees.maker?" in found
    assert "run.sped (variable ROOTTRADING_RUN__SPED): is unknown: did you mean run.speed?" in found


def test_an_unknown_key_without_a_neighbor_lists_what_there_is() -> None:
    (problem,) = problems("zzz=1")
    assert problem == (
        "zzz (flag --set zzz): is unknown: there is " + ", ".join(field for field in Settings.__struct_fields__)
    )


def test_what_follows_another_key_cannot_be_set_on_its_own() -> None:
    (problem,) = problems("coordinator.capital=5")
    assert problem == "coordinator.capital (flag --set coordinator.capital): follows account.capital: set that instead"
    settings = load(assignments=["account.capital=5", "exchange.slippage=0.001", "aggregator.threshold=0.7"]).settings
    assert settings.coordinator.capital == settings.account.capital == 5
    assert settings.coordinator.taker_slippage == settings.exchange.slippage == Decimal("0.001")
    assert settings.coordinator.threshold == settings.aggregator.threshold == Decimal("0.7")


def test_the_window_of_a_signed_request_is_set_in_one_place() -> None:
    settings = load(assignments=["trader.receive_window_ms=2000"]).settings
    assert (settings.trader.receive_window, settings.exchange.receive_window) == (2_000_000, 2_000_000)
    (problem,) = problems("exchange.receive_window_ms=1000", "trader.receive_window_ms=2000")
    assert problem == (
        "exchange.receive_window_ms (flag --set exchange.receive_window_ms): follows trader.receive_window_ms: "
        "set that instead"
    )


def test_no_key_is_offered_that_cannot_be_set() -> None:
    for assignment, leader in (
        ("exchange.receive_window=3000000", "trader.receive_window_ms"),
        ("coordinator.capitol=1", "account.capital"),
    ):
        (problem,) = problems(assignment)
        assert problem.endswith(f"is unknown: did you mean {leader}?")
    (problem,) = problems("coordinator.zzz=1")
    offered = problem.partition("there is ")[2].split(", ")
    assert "max_cycles" in offered
    assert not {"capital", "threshold", "taker_slippage"} & set(offered)


@pytest.mark.parametrize("key", DERIVED)
def test_what_follows_another_key_has_its_default_too(key: tuple[str, ...]) -> None:
    settings: Any = Settings()
    assert reduce(getattr, key, settings) == reduce(getattr, DERIVED[key], settings)


def test_a_wrong_value_of_a_leader_is_said_once() -> None:
    (problem,) = problems("account.capital=-5")
    assert problem.startswith("account.capital (flag --set account.capital): -5 is not allowed")


def test_an_optional_section_is_made_by_its_keys_and_switched_off_by_a_later_source() -> None:
    assert load().settings.coordinator.trailing is None
    write("[coordinator.trailing]\nstart = 2\n")
    trailing = load().settings.coordinator.trailing
    assert trailing is not None
    assert trailing.start == 2
    assert load(assignments=["coordinator.trailing=off"]).settings.coordinator.trailing is None
    write('[coordinator]\ntrailing = "off"\n')
    again = load(assignments=["coordinator.trailing.start=3"]).settings.coordinator.trailing
    assert again is not None
    assert again.start == 3


class Crossing(Struct, frozen=True):
    fast: Annotated[int, Meta(ge=2, le=400, description="candles")] = 12
    gain: Annotated[float, Meta(gt=0, le=4.5)] = 1.5


def known(settings: Settings) -> Mapping[str, type[Struct]]:
    return {"ema_cross": Crossing, "macd": Crossing}


def test_strategies_are_checked_with_their_parameters() -> None:
    write(
        "[strategies.ema_cross]\ntimeframe = '1h'\nweight = 2\n[strategies.ema_cross.parameters]\nfast = 5\n"
        "[strategies.macd]\nenabled = false\n"
    )
    settings = load(strategies=known, assignments=["strategies.ema_cross.parameters.gain=2.5"]).settings
    assert settings.strategies["ema_cross"] == StrategySettings(
        True, "1h", Decimal(2), {"fast": 5, "gain": Decimal("2.5")}
    )
    assert not settings.strategies["macd"].enabled


def test_wrong_parameters_and_unknown_strategies_are_named() -> None:
    write("[strategies.ema_cross.parameters]\nfast = 1\nfats = 3\n[strategies.mcd]\nweight = 1\n")
    with pytest.raises(ConfigError) as refused:
        load(strategies=known, assignments=["run.strategies=ema_cross,zig", "strategies.ema_cross.parameters.gain=4.6"])
    assert sorted(map(str, refused.value.problems)) == [
        "run.strategies (flag --set run.strategies): there is no strategy 'zig': `roottrading strategies list` shows "
        "what there is",
        "strategies.ema_cross.parameters.fast (roottrading.toml:2): 1 is not allowed: use a whole number at least 2 "
        "and at most 400",
        "strategies.ema_cross.parameters.fats (roottrading.toml:3): is unknown: did you mean "
        "strategies.ema_cross.parameters.fast?",
        "strategies.ema_cross.parameters.gain (flag --set strategies.ema_cross.parameters.gain): 4.6 is not allowed: "
        "use a number above 0 and at most 4.5",
        "strategies.mcd (roottrading.toml:5): there is no strategy 'mcd': did you mean macd?",
    ]


def shown(loaded: Loaded) -> str:
    return show(loaded.settings, loaded.origins)


def test_what_is_shown_reads_back_as_the_same_settings_and_names_origins() -> None:
    first = load(
        assignments=[
            "coordinator.trailing.start=1.5",
            "coordinator.max_drawdown=off",
            "strategies.ema_cross.parameters.fast=5",
            'strategies.ema_cross.parameters.name=a "b"',
            "run.symbols=BTCUSDT,ETHUSDT",
            "run.start=2024-01-31T12:00:00.000001Z",
            "coordinator.stop_distance.macd=0.02",
            "account.capital=1E+5",
        ]
    )
    text = shown(first)
    assert 'max_drawdown = "off"  # flag --set coordinator.max_drawdown' in text
    assert "capital = 100000  # flag" in text
    tomllib.loads(text)
    again = load(write(text, "again.toml"))
    assert again.settings == first.settings
    assert load(write(shown(load()), "defaults.toml")).settings == Settings()


def test_the_digest_follows_what_is_traded_and_nothing_else() -> None:
    plain = settings_digest(Settings())
    around = ["run.speed=60x", "run.state=a", "run.output=b", "run.log=c", "run.report=html", "run.tape=x"]
    around += ["run.ledger=false", "run.market=binance", "binance.streams.lifetime=60000000"]
    assert settings_digest(load(assignments=around).settings) == plain
    others = {
        settings_digest(load(assignments=[assignment]).settings)
        for assignment in (
            "run.symbols=BTCUSDT",
            "run.timeframe=1h",
            "account.capital=9999",
            "fees.taker=0.002",
            "exchange.slippage=0",
            "aggregator.quorum=0",
            "coordinator.max_cycles=off",
            "strategies.ema_cross.weight=2",
        )
    }
    assert len(others | {plain}) == 9


def numbers(struct: type[Struct], path: str = "") -> Iterator[tuple[str, Field]]:
    for each in fields_of(struct):
        name = f"{path}.{each.name}".strip(".")
        inner = each.item or each
        if inner.kind == "section":
            yield from numbers(inner.type, name)
        elif inner.type in (int, float, Decimal) and not inner.is_moment:
            yield name, inner


def test_every_number_is_bounded_on_both_sides() -> None:
    found = dict(numbers(Settings))
    assert len(found) > 40
    bounds = {name: each.bounds for name, each in found.items()}
    assert [name for name, each in bounds.items() if each.ge is None and each.gt is None] == []
    assert [name for name, each in bounds.items() if each.le is None and each.lt is None] == []


def test_the_timeframes_are_those_of_the_domain() -> None:
    assert get_args(Timeframe) == tuple(TIMEFRAMES)


class Window(Struct, frozen=True):
    first: int = 1
    last: int = 2

    def __post_init__(self) -> None:
        if self.first > self.last:
            raise ValueError("first is above last")


def test_what_a_struct_itself_refuses_is_said_with_the_places_it_was_set() -> None:
    reader = Reader({("window", "first"): Given("5", True, "flag --set window.first")})
    assert reader.read(Window, ("window",)) is None
    assert [str(problem) for problem in reader.problems] == ["window (flag --set window.first): first is above last"]


class Needy(Struct, frozen=True):
    count: Annotated[int, Bounds(ge=1)]


def test_a_value_without_default_must_be_given() -> None:
    reader = Reader({})
    assert reader.read(Needy, ("needy",)) is None
    assert [str(problem) for problem in reader.problems] == ["needy.count: is missing: give a whole number at least 1"]


def test_settings_are_read_without_the_packages_that_only_a_wire_needs() -> None:
    asked = "import sys, roottrading.config.load; sys.exit('aiohttp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", asked], check=False).returncode == 0
