"""A service runs on uvloop where it is installed, and else all the same."""

import asyncio
import sys

import pytest

from roottrading.cli.event_loop import run_until_done


def loop_taken() -> str:
    taken: list[str] = []

    async def main() -> None:
        await asyncio.sleep(0)
        taken.append(type(asyncio.get_running_loop()).__module__)

    run_until_done(main())
    return taken[0]


def test_the_quicker_loop_is_taken_where_it_is_installed() -> None:
    assert loop_taken() == "uvloop"


def test_without_it_a_service_runs_on_pythons_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)  # as Python marks what cannot be imported
    assert loop_taken().startswith("asyncio.")


def test_what_is_raised_comes_out() -> None:
    async def main() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError, match="x"):
        run_until_done(main())
