"""The command line, called in this process."""

from pathlib import Path

import pytest

from roottrading.cli.main import main


class Printed:
    """What a command printed, and its exit code."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code = code
        self.out = out
        self.err = err


class Runner:
    """Calls `roottrading` with arguments."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: str) -> Printed:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        out, err = self._capsys.readouterr()
        return Printed(int(ended.value.code or 0), out, err)


@pytest.fixture
def roottrading(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runner:
    """Return the command, in an empty working folder."""
    monkeypatch.chdir(tmp_path)
    return Runner(capsys)
