"""What every start of Kafka would do again, done once: formatted data, and Kafka's classes as Java maps them at once.

Both save half of a start: the formatting is a run of Java of its own, and most of the other goes into loading classes.
"""

import shutil
import signal
from pathlib import Path
from typing import Final
from zlib import crc32

from roottrading.operations.local_servers.commands import CommandFailed, run
from roottrading.operations.local_servers.errors import ServerError
from roottrading.operations.local_servers.kafka_asking import takes_messages
from roottrading.operations.local_servers.kafka_settings import CLUSTER, DATA, FILE, SETTINGS, command, settings
from roottrading.operations.local_servers.locks import locked
from roottrading.operations.local_servers.ports import free_port
from roottrading.operations.local_servers.process import Process

CLASSES: Final = "classes.jsa"
FORMAT_PATIENCE: Final = 60.0
START_PATIENCE: Final = 120.0
WRITE_PATIENCE: Final = 90.0


def made_ready(java: Path, jars: Path) -> Path:
    """Return a folder with formatted data and, where Java could write it, the archive of classes."""
    real = java.resolve()
    made_from = f"{real} {real.stat().st_mtime_ns} {SETTINGS}"  # another Java, another archive
    folder = jars.with_name(f"{jars.name}-{crc32(made_from.encode()):08x}")
    with locked(jars.with_name("kafka-ready.lock")):
        if not folder.is_dir():
            made = folder.with_name(f"{folder.name}.part")
            shutil.rmtree(made, ignore_errors=True)
            made.mkdir()
            _format(java, jars, made)
            _rehearse(java, jars, made)
            made.rename(folder)
    return folder


def _format(java: Path, jars: Path, folder: Path) -> None:
    (folder / FILE).write_text(settings(free_port(), free_port()), encoding="ascii")
    tool = command(java, jars, "kafka.tools.StorageTool")
    try:
        run([*tool, "format", "--cluster-id", CLUSTER, "--config", FILE], FORMAT_PATIENCE, folder=folder)
    except CommandFailed as error:
        raise ServerError(f"Kafka's data in {folder} could not be formatted: {error}") from None


def _rehearse(java: Path, jars: Path, folder: Path) -> None:
    """Start Kafka once beside the formatted data, and have Java write its classes down when it ends."""
    stage = folder / "stage"
    stage.mkdir()
    shutil.copytree(folder / DATA, stage / DATA)
    port = free_port()
    (stage / FILE).write_text(settings(port, free_port()), encoding="ascii")
    writing = command(java, jars, "kafka.Kafka", f"-XX:ArchiveClassesAtExit={folder / CLASSES}.part")
    kafka = Process("Kafka", [*writing, FILE], stage, folder / "stage.log", "KILL", None)
    try:
        kafka.wait_until(lambda: takes_messages(port), START_PATIENCE)
        if kafka.end(signal.SIGTERM, WRITE_PATIENCE) and (folder / f"{CLASSES}.part").exists():
            (folder / f"{CLASSES}.part").rename(folder / CLASSES)
    finally:
        kafka.kill()
        shutil.rmtree(stage)
