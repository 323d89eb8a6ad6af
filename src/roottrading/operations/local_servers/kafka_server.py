"""Apache Kafka as a local process: one node that is broker and controller (KRaft)."""

from pathlib import Path
from typing import ClassVar, Final

from roottrading.operations.local_servers import finding
from roottrading.operations.local_servers.addresses import KAFKA_SCHEME, Kind
from roottrading.operations.local_servers.commands import CommandFailed, run
from roottrading.operations.local_servers.errors import ServerError
from roottrading.operations.local_servers.kafka_asking import takes_messages
from roottrading.operations.local_servers.ports import LOOPBACK, kept_port
from roottrading.operations.local_servers.server import LocalServer

CLUSTER: Final = "cm9vdHRyYWRpbmcta2Fmaw"  # 16 bytes in base64, as Kafka wants it; one node meets no other cluster
FORMAT_PATIENCE: Final = 60.0
# A small heap and the quick compiler: up in half the time, and a third of the memory.
JAVA_OPTIONS: Final = (
    *("-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:+ExitOnOutOfMemoryError"),
    *("-Djava.awt.headless=true", "-Dorg.slf4j.simpleLogger.showDateTime=true"),
    "-Dorg.slf4j.simpleLogger.log.org.apache.kafka.common.config=warn",  # else every start lists 400 settings
)
SETTINGS: Final = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller}
controller.listener.names=CONTROLLER
listeners=CLIENTS://{host}:{port},CONTROLLER://{host}:{controller}
advertised.listeners=CLIENTS://{host}:{port}
listener.security.protocol.map=CLIENTS:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=CLIENTS
log.dirs=data
auto.create.topics.enable=false
# one node: nobody to copy to
offsets.topic.replication.factor=1
offsets.topic.num.partitions=3
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=3
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
# back soon after kill -9: the controller waits for the dead broker's session to end
broker.session.timeout.ms=1500
broker.heartbeat.interval.ms=300
# consumers may be found dead soon: clients choose with the classic protocol, these with the newer one
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=300
group.consumer.session.timeout.ms=1500
group.consumer.min.session.timeout.ms=300
group.consumer.heartbeat.interval.ms=300
group.consumer.min.heartbeat.interval.ms=100
# a tenth of the usual memory to compact with
log.cleaner.dedupe.buffer.size=10485760
"""


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
        self._java = finding.java()
        self._jars = finding.kafka_jars()
        controller = kept_port(self.folder / "controller-port")
        settings = SETTINGS.format(host=LOOPBACK, port=self.port, controller=controller)
        (self.folder / "server.properties").write_text(settings, encoding="ascii")
        if not (self.folder / "data" / "meta.properties").exists():
            self._format()

    def _format(self) -> None:
        command = [*self._program("kafka.tools.StorageTool"), "format", "--cluster-id", CLUSTER]
        try:
            run([*command, "--config", "server.properties", "--ignore-formatted"], FORMAT_PATIENCE, folder=self.folder)
        except CommandFailed as error:
            raise ServerError(f"Kafka's data in {self.folder} could not be formatted: {error}") from None

    def _program(self, main: str) -> list[str | Path]:
        return [self._java, *JAVA_OPTIONS, "-cp", f"{self._jars}/*", main]

    def _command(self) -> list[str | Path]:
        return [*self._program("kafka.Kafka"), "server.properties"]

    def _answers(self) -> bool:
        return takes_messages(self.port)
