"""The state folder and files with secrets: whose they are, and who may read them."""

import os
from pathlib import Path

import pytest

from roottrading.adapters.store.database import FILE
from roottrading.adapters.store.sqlite import SqliteStore
from roottrading.operations.doctor.files import secret_file, state_folder

USER = os.geteuid()


@pytest.mark.parametrize(
    ("mode", "level"),
    [(0o600, "ok"), (0o400, "ok"), (0o640, "warning"), (0o644, "problem"), (0o602, "problem"), (0o620, "problem")],
)
def test_a_secret_is_for_its_owner(tmp_path: Path, mode: int, level: str) -> None:
    file = tmp_path / "secret"
    file.write_text("never-to-be-shown")
    file.chmod(mode)
    found = secret_file(file)
    assert found.level == level
    assert str(file) in found.text
    assert "never-to-be-shown" not in str(found)


def test_a_secret_that_is_not_there(tmp_path: Path) -> None:
    assert "No such file" in secret_file(tmp_path / "nowhere").text


def test_a_folder_that_will_be_made(tmp_path: Path) -> None:
    assert state_folder(tmp_path / "a" / "b", USER).level == "ok"
    (tmp_path / "file").touch()
    assert state_folder(tmp_path / "file", USER).level == "problem"


def test_a_folder_of_another_user(tmp_path: Path) -> None:
    found = state_folder(tmp_path, USER + 1)
    assert found.level == "problem"
    assert f"belongs to user {USER}" in found.text


def test_a_folder_that_everybody_may_write(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    assert "everybody may write" in state_folder(tmp_path, USER).text


def test_a_folder_in_use_and_one_that_is_broken(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    with SqliteStore.open(folder, (), {"version": "1"}):
        used = state_folder(folder, USER)
    assert (used.level, f"in use by process {os.getpid()}" in used.text) == ("ok", True)
    assert "nothing runs there" in state_folder(folder, USER).text
    for path in folder.iterdir():
        path.unlink()
    assert state_folder(folder, USER).level == "ok"
    (folder / FILE).write_bytes(b"no database at all" * 100)
    assert state_folder(folder, USER).level == "problem"
