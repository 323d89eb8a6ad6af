"""The commands of the services."""

from roottrading.cli.service import PURPOSES
from roottrading.pipeline import ROLES


def test_every_service_has_its_command() -> None:
    assert {role.name: role.purpose for role in ROLES} == PURPOSES
