"""The body of an envelope as JSON text, for outboxes: whatever message it is, it comes back the very same."""

from roottrading.adapters.store.port import StoreCorrupt
from roottrading.messages.codec import UnreadableMessage, decode_body, encode_body
from roottrading.messages.envelope import Envelope, Message


def body_text(envelope: Envelope) -> str:
    """Return the body as text."""
    return encode_body(envelope.body).decode()


def body_of(text: str | bytes) -> Message:
    """Return the body that was written as this text. Raises StoreCorrupt for what no message is written as."""
    try:
        return decode_body(text)
    except UnreadableMessage as error:
        raise StoreCorrupt(f"an outbox holds a message that this version cannot read: {error}") from error
