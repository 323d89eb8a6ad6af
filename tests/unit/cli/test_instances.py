"""How many of each service: read as it is written, and refused where it cannot be."""

import pytest

from roottrading.cli.errors import CommandError
from roottrading.cli.instances import instances_of, names_of
from roottrading.pipeline import ROLES


def test_one_of_each_unless_told_otherwise() -> None:
    alone = {role.name: 1 for role in ROLES}
    assert instances_of(None, "60x") == alone
    assert instances_of("analyzer=2, signal-aggregator=3", "stepped") == alone | {"analyzer": 2, "signal_aggregator": 3}
    assert instances_of("coordinator=2", "60x") == alone | {"coordinator": 2}  # the second stands by


@pytest.mark.parametrize(
    ("given", "clock", "said"),
    [
        ("analyser=2", "60x", "there is no service 'analyser'"),
        ("analyzer", "60x", "write SERVICE=N, such as analyzer=2"),
        ("analyzer=0", "60x", "write SERVICE=N"),
        ("analyzer=49", "60x", "at most 48"),
        ("analyzer=-1", "60x", "write SERVICE=N"),
        ("analyzer=2,", "60x", "there is no service ''"),
        ("trader=2,portfolio=2", "stepped", "of portfolio one serves"),
    ],
)
def test_what_cannot_be_is_refused(given: str, clock: str, said: str) -> None:
    with pytest.raises(CommandError, match=said):
        instances_of(given, clock)


def test_names_have_numbers_where_there_are_several() -> None:
    assert names_of("trader", 1) == ("trader",)
    assert names_of("trader", 2) == ("trader-1", "trader-2")
