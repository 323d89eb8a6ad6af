"""Faults that begin at an instant, and the files they stand in."""

from pathlib import Path

import pytest

from roottrading.domain.time import HOUR, parse_time
from roottrading.exchange_server.faults.agenda import Agenda, read_scenario
from roottrading.exchange_server.faults.fault import Fault, FaultError
from roottrading.exchange_server.faults.register import Register

NOON = parse_time("2021-04-17T12:00:00Z")


def test_faults_begin_at_their_instant_in_order() -> None:
    register = Register()
    agenda = Agenda(register)
    assert agenda.add(Fault(kind="cut", where="GET *")) == 1
    assert agenda.add(Fault(kind="body", where="GET *", at="2021-04-17T13:00:00Z")) is None
    assert agenda.add(Fault(kind="latency", where="*", at="2021-04-17T12:00:00Z")) is None
    assert [fault.kind for fault in agenda.coming()] == ["latency", "body"]
    assert agenda.next_at() == NOON
    agenda.come(NOON - 1)
    assert [each.fault.kind for each in register] == ["cut"]
    agenda.come(NOON)
    assert agenda.next_at() == NOON + HOUR
    agenda.come(NOON + 2 * HOUR)
    assert [each.fault.kind for each in register] == ["cut", "latency", "body"]
    assert agenda.next_at() is None


def test_what_is_to_come_can_be_forgotten() -> None:
    agenda = Agenda(Register())
    agenda.add(Fault(kind="cut", where="GET *", at="2021-04-17"))
    agenda.clear()
    assert (agenda.next_at(), agenda.coming()) == (None, [])


def test_an_instant_that_is_none_is_refused() -> None:
    with pytest.raises(FaultError, match="fault 'cut': at: "):
        Agenda(Register()).add(Fault(kind="cut", where="GET *", at="tomorrow"))


def test_the_example_is_a_scenario() -> None:
    faults = read_scenario(Path(__file__).parents[4] / "examples" / "faults.toml")
    assert [fault.kind for fault in faults] == ["timeout", "refusal", "lose", "status", "status"]
    assert (faults[1].nth, faults[1].times, faults[1].status) == (10, 3, 429)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[fault]\n", "no TOML"),
        ("x = 1\n", "a scenario holds"),
        ("[fault]\nkind = 'cut'\n", "a scenario holds"),
        ("[[fault]]\nkind = 'cut'\nwhere = 'ws *'\n[[fault]]\nkind = 'cut'\n", "fault 2: .*where is missing"),
        ("[[fault]]\nkind = 'cut'\nwhere = 'ws *'\nat = 'soon'\n", "fault 1: "),
    ],
)
def test_a_wrong_scenario_is_refused_with_its_place(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "scenario.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(FaultError, match=f"scenario.toml.*{words}"):
        read_scenario(file)


def test_a_scenario_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FaultError, match="No such file"):
        read_scenario(tmp_path / "none.toml")


def test_what_cannot_be_carried_out_when_its_time_comes_stands_with_its_problem() -> None:
    register = Register()
    agenda = Agenda(register)

    def refuse(_: object) -> None:
        raise FaultError("no such symbol")

    register.at_once = refuse
    agenda.add(Fault(kind="drift", at="2021-04-17"))
    agenda.come(NOON)
    assert [(each.struck, each.problem) for each in register] == [(0, "no such symbol")]
