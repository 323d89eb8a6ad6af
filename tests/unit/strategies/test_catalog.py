"""The catalog: what is found, what is made, and what is said of what cannot be used."""

import sys
from pathlib import Path
from textwrap import dedent
from typing import ClassVar

import pytest

from roottrading.services.analyzer.evaluation import evaluate
from roottrading.strategies.catalog import StrategyError, builtin, describe, load, make, template
from roottrading.strategies.contract import Strategy
from roottrading.strategies.ema_cross import EmaCross
from tests.unit.strategies.samples import recorded

GOOD = """
    from typing import Annotated
    import numpy as np
    from msgspec import Meta
    from roottrading.strategies.contract import Strategy

    class Mine(Strategy, frozen=True):
        "Nothing but an example."
        period: Annotated[int, Meta(ge=1, le=9, description="candles")] = 5

        @property
        def lookback(self):
            return self.period

        def evaluate(self, columns):
            return np.ones(len(columns))
"""


def write(folder: Path, name: str, text: str) -> None:
    (folder / f"{name}.py").write_text(dedent(text))


def test_builtin_names_are_those_of_the_files() -> None:
    known = builtin()
    assert known["ema_cross"] is EmaCross
    assert len(known) >= 24
    for name, strategy in known.items():
        assert strategy.__module__ == f"roottrading.strategies.{name}"
        assert strategy.__name__.lower() == name.replace("_", "")


def test_what_is_given_back_is_the_callers_own() -> None:
    builtin().clear()
    assert builtin()


def test_a_users_strategy_stands_beside_the_others(tmp_path: Path) -> None:
    write(tmp_path, "mine", GOOD)
    write(tmp_path, "_shared", "raise RuntimeError('files with _ are not strategies')")
    loaded = load(tmp_path)
    assert set(loaded.strategies) == {*builtin(), "mine"}
    assert not loaded.broken
    assert not loaded.warnings
    assert make("mine", {"period": 9}, loaded.strategies).lookback == 9
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == [], "nothing is written beside them"


def test_a_changed_file_is_loaded_anew(tmp_path: Path) -> None:
    write(tmp_path, "mine", GOOD)
    load(tmp_path)
    write(tmp_path, "mine", GOOD.replace("= 5", "= 6"))
    assert make("mine", {}, load(tmp_path).strategies).lookback == 6


BROKEN = {
    "syntax": ("x = (\n", 1, "SyntaxError: '(' was never closed"),
    "no_import": ("\nimport nothing_of_this_name\n", 2, "ModuleNotFoundError: No module named 'nothing_of_this_name'"),
    "leaves": ("raise SystemExit(3)", 1, "SystemExit: 3"),
    "empty": ("x = 1", 0, "it defines no strategy"),
    "ema_cross": (GOOD, 0, "a built-in strategy has this name: rename the file"),
    "Capital": (GOOD, 0, "a strategy's file name has small letters"),
    "no_lookback": (GOOD.replace("lookback", "look_back"), 7, "Mine has no lookback"),
    "no_evaluate": (GOOD.replace("evaluate", "valuate"), 7, "Mine has no evaluate"),
    "no_default": (GOOD.replace(" = 5", ""), 7, "its parameter period has no default"),
    "bad_default": (
        GOOD.replace("= 5", "= 55"),
        7,
        "period is 55; it must be a whole number, at least 1 and at most 9",
    ),
    "bad_lookback": (GOOD.replace("return self.period", "return 2.5"), 7, "its lookback is 2.5: it must be a whole"),
    "raises": (GOOD.replace("return self.period", "return self.perod"), 13, "AttributeError: 'Mine' object has no"),
    "family": (GOOD + "    Mine.family = 'luck'\n", 7, "its family 'luck' is not one of trend, momentum"),
    "unmanaged": (
        GOOD + "        def manage(self, position, row):\n            return None\n",
        7,
        "it has a manage that nobody would call",
    ),
    "two": (
        GOOD + "    class Other(Mine, frozen=True): ...\n    class Third(Mine, frozen=True): ...\n",
        18,
        "Other, Third",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_one_is_named_with_its_place_and_takes_no_other_down(name: str, tmp_path: Path) -> None:
    text, line, reason = BROKEN[name]
    write(tmp_path, name, text)
    write(tmp_path, "mine", GOOD)
    loaded = load(tmp_path)
    assert set(loaded.strategies) == {*builtin(), "mine"}
    (fault,) = loaded.broken
    assert fault.name == name
    assert fault.file == str(tmp_path / f"{name}.py")
    assert fault.line == line
    assert reason in fault.reason
    place = f"{fault.file}:{line}" if line else fault.file
    assert str(fault) == f"strategy {name} ({place}): {fault.reason}"


def test_a_base_class_of_the_file_is_no_second_strategy(tmp_path: Path) -> None:
    write(tmp_path, "derived", GOOD + "    class Other(Mine, frozen=True): ...\n")
    assert load(tmp_path).strategies["derived"].__name__ == "Other"


def test_missing_bounds_and_descriptions_are_only_warned_of(tmp_path: Path) -> None:
    write(tmp_path, "mine", GOOD.replace('Meta(ge=1, le=9, description="candles")', "Meta(ge=1)"))
    loaded = load(tmp_path)
    assert "mine" in loaded.strategies
    bounds, description = loaded.warnings
    assert "parameter period has no bounds" in str(bounds)
    assert "parameter period has no description" in str(description)
    assert bounds.line == 7


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StrategyError, match="there is no folder of strategies at"):
        load(tmp_path / "none")


def test_installed_packages_offer_strategies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package as pip installs it: modules and the record of its entry points."""
    write(tmp_path, "their_package", GOOD)
    info = tmp_path / "their_package-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: their_package\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[roottrading.strategies]\n"
        "theirs = their_package:Mine\n"
        "gone = their_package:Gone\n"
        "number = their_package:np\n"
        "macd = their_package:Mine\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    loaded = load()
    assert make("theirs", {}, loaded.strategies).lookback == 5
    reasons = {fault.name: fault.reason for fault in loaded.broken}
    assert set(reasons) == {"gone", "macd", "number"}
    assert "Gone" in reasons["gone"]
    assert "not a class that derives from Strategy" in reasons["number"]
    assert "a built-in strategy has this name" in reasons["macd"]
    assert loaded.strategies["macd"] is builtin()["macd"]
    sys.modules.pop("their_package")


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("ema_cros", {}, "there is no strategy 'ema_cros': did you mean ema_cross?"),
        ("zzz", {}, "there is no strategy 'zzz': `roottrading strategies list` shows what there is"),
        ("ema_cross", {"fats": 3}, "strategy ema_cross has no parameter 'fats': did you mean fast?"),
        ("ema_cross", {"xyz": 3}, "strategy ema_cross has no parameter 'xyz': it has fast, slow"),
        (
            "ema_cross",
            {"fast": 1},
            "strategy ema_cross: fast is 1; it must be a whole number, at least 2 and at most 400 "
            "(candles of the fast average)",
        ),
        ("ema_cross", {"fast": "many"}, "fast is 'many'; it must be a whole number"),
        ("supertrend", {"multiple": float("nan")}, "multiple is nan; it must be a number, at least 0.5 and at most 20"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(name: str, given: dict[str, object], expected: str) -> None:
    with pytest.raises(StrategyError) as raised:
        make(name, given)
    assert expected in str(raised.value)


def test_the_same_value_is_the_same_strategy_however_it_is_written() -> None:
    """Signal ids are computed from the parameters, so 3, 3.0 and "3" must not be three strategies."""
    made = [make("supertrend", {"multiple": value}) for value in (3, 3.0, "3")] + [make("supertrend")]
    assert {repr(each) for each in made} == {repr(made[0])}


class Wide(Strategy, frozen=True):
    """All kinds of parameters."""

    label: ClassVar[str] = "no parameter"
    on: bool = True
    text: str = "x"
    count: int = 1


def test_parameters_of_all_kinds_are_described() -> None:
    kinds = {each.name: (each.kind, each.default, each.bounded) for each in describe(Wide)}
    assert kinds == {
        "on": ("true or false", True, True),
        "text": ("text", "x", True),
        "count": ("whole number", 1, False),
    }


def test_the_template_works_as_it_stands(tmp_path: Path) -> None:
    (tmp_path / "my_first_idea.py").write_text(template("my_first_idea"))
    loaded = load(tmp_path)
    assert not loaded.broken
    assert not loaded.warnings
    assert loaded.strategies["my_first_idea"].__name__ == "MyFirstIdea"
    said = evaluate(make("my_first_idea", {}, loaded.strategies), recorded())
    assert (said.conviction[300:] > 0).any()
    assert (said.conviction[300:] < 0).any()
    assert (said.plan["stop_distance"][300:] > 0).all()


@pytest.mark.parametrize("name", ["", "My", "9lives", "a-b", "class", "a/b"])
def test_a_strategy_cannot_have_any_name(name: str) -> None:
    with pytest.raises(StrategyError, match="cannot be called"):
        template(name)
