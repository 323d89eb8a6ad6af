"""The file of a recording: one frame a line with the time it came, gzipped in members that are whole by themselves.

Who is killed leaves at most the end of one member behind; it is cut off when the recording goes on.
"""

import fcntl
import gzip
import io
import os
import zlib
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, Final

from roottrading.history.errors import HistoryError

_CHUNK: Final = 1 << 20
_LEVEL: Final = 4  # quick: the frames that come meanwhile are stamped late
_GZIP: Final = b"\x1f\x8b"


class RecordingFile:
    """Lines that are gathered by `write` and reach the disk with `flush`; held by one process at a time."""

    def __init__(self, path: Path) -> None:
        """Open the file, a new one or one to go on with. Raises HistoryError where it cannot be."""
        self.path = path
        self.frames = 0
        self._lines: list[bytes] = []
        with ExitStack() as undone:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                self._file: BinaryIO = undone.enter_context(path.open("a+b"))
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self.cut_off = _cut_off_rest(self._file, path)
            except BlockingIOError:
                raise HistoryError(f"{path}: another process records into this file: choose another one") from None
            except OSError as error:
                raise HistoryError(f"{path}: cannot be written ({error.strerror or error})") from None
            undone.pop_all()  # it stays open

    @property
    def size(self) -> int:
        """How many bytes the file has so far."""
        return os.fstat(self._file.fileno()).st_size

    def write(self, came_at: int, frame: bytes) -> None:
        """Take a frame that came at a local time, in nanoseconds."""
        self._lines.append(b"%d %s\n" % (came_at, frame.replace(b"\n", b" ")))
        self.frames += 1

    def flush(self) -> None:
        """Bring what was gathered to the disk. Raises HistoryError where it is full or gone."""
        lines, self._lines = self._lines, []
        if not lines:
            return
        try:
            self._file.write(gzip.compress(b"".join(lines), compresslevel=_LEVEL))
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise HistoryError(f"{self.path}: cannot be written any further ({error.strerror or error})") from None

    def close(self) -> None:
        """Flush, and let go of the file; one into which nothing came is removed."""
        try:
            self.flush()
            if not self.size:
                self.path.unlink(missing_ok=True)
        finally:
            self._file.close()


def _cut_off_rest(file: BinaryIO, path: Path) -> int:
    """Cut off a member that is not whole; return how many bytes that was. HistoryError where the file is another."""
    size = file.seek(0, io.SEEK_END)
    if not size:
        return 0
    file.seek(0)
    if file.read(2) != _GZIP:
        raise HistoryError(f"{path}: is there and no recording: choose another file")
    whole = _end_of_whole_members(file)
    if whole < size:
        file.truncate(whole)
    file.seek(0, io.SEEK_END)
    return size - whole


def _end_of_whole_members(file: BinaryIO) -> int:
    """Return where the last whole member ends."""
    file.seek(0)
    whole, read = 0, 0
    member = zlib.decompressobj(31)
    while chunk := file.read(_CHUNK):
        read += len(chunk)
        while chunk:
            try:
                member.decompress(chunk)
            except zlib.error:
                return whole
            chunk = member.unused_data
            if member.eof:
                whole = read - len(chunk)
                member = zlib.decompressobj(31)
    return whole
