"""Apache Kafka as a local process: one node that is broker and controller (KRaft)."""

import shutil
from pathlib import Path
from typing import ClassVar

from roottrading.operations.local_servers import finding, kafka_settings
from roottrading.operations.local_servers.addresses import KAFKA_SCHEME, Kind
from roottrading.operations.local_servers.kafka_asking import takes_messages
from roottrading.operations.local_servers.kafka_ready import CLASSES, made_ready
from roottrading.operations.local_servers.ports import kept_port
from roottrading.operations.local_servers.server import LocalServer


class KafkaServer(LocalServer):
    """Kafka with topics made on demand of nobody but an administrator, as in earnest.

    Written messages outlive kill -9 as they do with any Kafka: by the system's page cache.
    """

    kind: ClassVar[Kind] = "kafka"
    name: ClassVar[str] = "Kafka"
    patience: ClassVar[float] = 120.0

    @property
    def url(self) -> str:
        """`kafka://127.0.0.1:port`."""
        return f"{KAFKA_SCHEME}{self._address}"

    def _prepare(self) -> None:
        self._java, self._jars = finding.java(), finding.kafka_jars()
        self._ready = made_ready(self._java, self._jars)
        settings = kafka_settings.settings(self.port, kept_port(self.folder / "controller-port"))
        (self.folder / kafka_settings.FILE).write_text(settings, encoding="ascii")
        data = self.folder / kafka_settings.DATA
        if not data.exists():
            made = self.folder / "made"  # moved when whole: a killed start leaves no half of it
            shutil.rmtree(made, ignore_errors=True)
            shutil.copytree(self._ready / kafka_settings.DATA, made)
            made.rename(data)

    def _command(self) -> list[str | Path]:
        classes = self._ready / CLASSES
        options = (f"-XX:SharedArchiveFile={classes}", "-Xshare:auto", "-Xlog:cds=off", "-Xlog:cds+dynamic=off")
        given = options if classes.exists() else ()
        return [*kafka_settings.command(self._java, self._jars, "kafka.Kafka", *given), kafka_settings.FILE]

    def _answers(self) -> bool:
        return takes_messages(self.port)
