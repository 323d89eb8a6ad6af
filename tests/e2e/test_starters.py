"""`Services/NAME/src/main.py` is the command of the service."""

import subprocess
import sys
from pathlib import Path

import pytest

from roottrading.pipeline import ROLES

SERVICES = Path(__file__).parents[2] / "Services"


@pytest.mark.parametrize("name", [role.name for role in ROLES])
def test_a_starter_is_the_command(name: str, tmp_path: Path) -> None:
    done = subprocess.run(
        (sys.executable, str(SERVICES / name / "src" / "main.py")),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "a service needs --exchange" in done.stderr


def test_there_is_one_for_each() -> None:
    assert {folder.name for folder in SERVICES.iterdir()} == {role.name for role in ROLES}
