"""With what Kafka is started: Java's options and its own settings, for one node that is back soon after kill -9."""

from pathlib import Path
from typing import Final

from roottrading.operations.local_servers.ports import LOOPBACK

FILE: Final = "server.properties"
DATA: Final = "data"
CLUSTER: Final = "cm9vdHRyYWRpbmcta2Fmaw"  # 16 bytes in base64, as Kafka wants it; one node meets no other cluster
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


def settings(port: int, controller_port: int) -> str:
    """Return the text of Kafka's settings, for a broker that is started in the folder of its data."""
    return SETTINGS.format(host=LOOPBACK, port=port, controller=controller_port)


def command(java: Path, jars: Path, main: str, *options: str) -> list[str | Path]:
    """Return how one of Kafka's programs is called."""
    return [java, *JAVA_OPTIONS, *options, "-cp", f"{jars}/*", main]
