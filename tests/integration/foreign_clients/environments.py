"""Virtual environments of clients that others wrote, made once and kept under .cache/ of the repository."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

CACHE = Path(__file__).parents[3] / ".cache" / "foreign_clients"
DEMANDED = "FOREIGN_CLIENTS_REQUIRED"  # set: a client that can not be installed is a failure, not a skip


def python_of(requirement: str) -> Path:
    """Return the interpreter of an environment that holds `name==version`; skip the test where pip gets nothing."""
    folder = CACHE / requirement.replace("==", "-")
    python = folder / "bin" / "python"
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(f"{folder}.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            _make(folder, python, requirement)
    return python


def _make(folder: Path, python: Path, requirement: str) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True, capture_output=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", requirement]
    done = subprocess.run(pip, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        (folder / "complete").touch()
        return
    said = done.stderr.strip().splitlines() or ["pip said nothing"]
    reason = f"{requirement} cannot be installed here (no network?): {said[-1]}"
    if os.environ.get(DEMANDED):
        pytest.fail(reason)
    pytest.skip(reason)
