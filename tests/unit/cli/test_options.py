"""Options of commands: each sets the setting that it is told to set, under the name that a person typed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from roottrading.cli.main import app
from roottrading.cli.options import SETTINGS, load_settings
from roottrading.config.load import ConfigError
from roottrading.config.settings import RunSettings


@pytest.fixture(autouse=True)
def _no_file_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def leaves(command: Any) -> Iterator[Any]:
    below = getattr(command, "commands", None)
    if below is None:
        yield command
    else:
        for each in below.values():
            yield from leaves(each)


def declared() -> dict[tuple[str, str], set[str]]:
    """Return (command, parameter) with the names that a person knows it by, of those that set a setting."""
    return {
        (command.name, parameter.name): {*parameter.opts, parameter.name.upper()}
        for command in leaves(typer.main.get_command(app))
        for parameter in command.params
        if parameter.name in SETTINGS
    }


def test_every_option_is_named_as_a_person_types_it() -> None:
    found = declared()
    assert {command for command, _ in found} >= {"run", "backtest", "walk-forward", "check"}
    assert not {place: names for place, names in found.items() if SETTINGS[place[1]][1] not in names}


def test_every_parameter_belongs_to_a_command() -> None:
    assert {parameter for _, parameter in declared()} == set(SETTINGS)


def test_what_was_given_is_set_and_what_was_not_stays() -> None:
    settings = load_settings(
        None,
        ["run.speed=60x"],
        tape=["a.zip", "b.zip"],
        symbols="XRPUSDT,BNBUSDT",
        capital="500",
        ledger=False,
        end=None,
    ).settings
    assert settings.run == RunSettings(
        tape=("a.zip", "b.zip"), symbols=("XRPUSDT", "BNBUSDT"), speed="60x", ledger=False
    )
    assert settings.account.capital == 500
    assert settings.coordinator.capital == 500


@pytest.mark.parametrize(
    "parameter", sorted(set(SETTINGS) - {"tape", "instruments", "folder", "state", "output", "log"})
)
def test_a_wrong_value_is_refused_under_the_name_of_its_option(parameter: str) -> None:
    key, flag = SETTINGS[parameter]
    with pytest.raises(ConfigError) as refused:
        load_settings(None, **{parameter: "no such, thing!"})
    assert {(problem.key, problem.origin) for problem in refused.value.problems} == {(key, f"flag {flag}")}
