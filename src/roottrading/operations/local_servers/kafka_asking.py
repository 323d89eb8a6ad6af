"""Whether a local Kafka takes messages, by the two requests of its protocol that tell.

Its port is open before its controller knows the broker, and a first idempotent producer waits a second for its id:
a broker that names itself and gives out producer ids is one that a message can be sent to at once.
"""

import socket
import struct
from typing import Final

from roottrading.operations.local_servers.ports import LOOPBACK

METADATA: Final = (3, 1)  # key and version of the request
PRODUCER_ID: Final = (22, 0)
PATIENCE: Final = 5.0


def takes_messages(port: int) -> bool:
    """Return whether the broker is registered and gives out producer ids."""
    try:
        with socket.create_connection((LOOPBACK, port), PATIENCE) as connection:
            (brokers,) = struct.unpack_from("!i", _ask(connection, METADATA, struct.pack("!i", 0)))
            if brokers < 1:
                return False
            _, error = struct.unpack_from("!ih", _ask(connection, PRODUCER_ID, struct.pack("!hi", -1, 60_000)))
            return bool(error == 0)
    except OSError:
        return False


def _ask(connection: socket.socket, request: tuple[int, int], body: bytes) -> bytes:
    message = struct.pack("!hhih", *request, 0, -1) + body
    connection.sendall(struct.pack("!i", len(message)) + message)
    (length,) = struct.unpack("!i", _read(connection, 4))
    return _read(connection, length)[4:]  # after the number of the request


def _read(connection: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count:
        part = connection.recv(count - len(found))
        if not part:
            raise ConnectionResetError("Kafka closed the connection")
        found += part
    return found
