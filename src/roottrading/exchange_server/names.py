"""Names that the exchange gives where a request gives none: the same requests get the same names."""

from base64 import b32encode
from hashlib import blake2b
from itertools import count


class Names:
    """Client order ids, one after the other, none twice."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def next(self) -> str:
        """Return the next name: 22 letters and digits, as Binance's own."""
        digest = blake2b(b"%d" % next(self._numbers), digest_size=15).digest()
        return b32encode(digest).decode()[:22]
