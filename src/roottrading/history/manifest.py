"""The manifest of a series: what every month's file holds and where each part of it came from."""

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final, Literal

import msgspec
from msgspec import Struct, field

from roottrading.adapters.tape.check import Gap
from roottrading.domain.time import TIMEFRAMES, iso, parse_time
from roottrading.history.errors import HistoryError
from roottrading.history.months import Span, month_span

NAME: Final = "manifest.json"
FORM: Final = 1


class Source(Struct, frozen=True, omit_defaults=True):
    """Where candles came from: a file of the archive, questions over REST, or a file of the user's own.

    Times are ISO 8601. `start` and `end` are the span that was asked for: what is missing in it, the source does not
    have. `absent`: the archive has no such file, since the symbol was not listed then. `checksum` is the source file's
    SHA-256 (of an archive file: as the archive tells it, and verified).
    """

    kind: Literal["archive", "rest", "import"]
    name: str
    start: str
    end: str
    rows: int
    fetched_at: str
    checksum: str = ""
    absent: bool = False

    @property
    def span(self) -> Span:
        """The span that was asked for."""
        return parse_time(self.start), parse_time(self.end)


class Hole(Struct, frozen=True):
    """A span without candles within a month's file: `missing` of them from `start` until `end`."""

    start: str
    end: str
    missing: int

    @property
    def gap(self) -> Gap:
        """The same as a check tells it."""
        return Gap(parse_time(self.start), parse_time(self.end), self.missing)


class Month(Struct, frozen=True):
    """A month's file: rows, open time of the first and the last candle, its SHA-256; none of these without candles."""

    sources: tuple[Source, ...] = ()
    rows: int = 0
    first: str = ""
    last: str = ""
    sha256: str = ""
    holes: tuple[Hole, ...] = ()

    @property
    def covered(self) -> list[Span]:
        """The spans that need not be asked for again; files of the user's own promise nothing about their gaps."""
        return [source.span for source in self.sources if source.kind != "import"]


class Manifest(Struct):
    """All months of one symbol and timeframe."""

    symbol: str
    timeframe: str
    catalog: int = FORM
    months: dict[str, Month] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """How many candles there are."""
        return sum(month.rows for month in self.months.values())


_READER: Final = msgspec.json.Decoder(Manifest)  # made here: months are kept by threads (see messages/codec.py)


def read_manifest(path: Path) -> Manifest:
    """Read a manifest. Raises HistoryError where it cannot be read or is none."""
    try:
        found = _READER.decode(path.read_bytes())
        if found.catalog != FORM:
            raise HistoryError(f"{path}: a catalog of another form ({found.catalog}): use the version that wrote it")
        if found.timeframe not in TIMEFRAMES:
            raise ValueError(f"timeframe {found.timeframe!r}")
        for name, month in found.months.items():
            month_span(name)
            for each in month.sources:
                _ = each.span
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, ValueError) as error:
        raise HistoryError(
            f"{path}: no manifest of a catalog ({error}): remove it and the files beside it, and fetch them again"
        ) from None
    except OSError as error:
        raise HistoryError(f"{path}: cannot be read ({error.strerror or error})") from None
    return found


def manifest_text(manifest: Manifest) -> bytes:
    """Return the manifest as it is kept: for people, too."""
    ordered = msgspec.structs.replace(manifest, months=dict(sorted(manifest.months.items())))
    return msgspec.json.format(msgspec.json.encode(ordered), indent=1) + b"\n"


def find_manifests(paths: Sequence[Path]) -> list[Path]:
    """Return the manifests in these folders and below, in order."""
    found = {manifest for path in paths if path.is_dir() for manifest in path.rglob(NAME)}
    return sorted(manifest for manifest in found if manifest.resolve().parent.name in TIMEFRAMES)


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file; empty where there is none."""
    try:
        return sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        return ""


def hole_of(gap: Gap) -> Hole:
    """Return a gap as a manifest keeps it."""
    return Hole(iso(gap.start), iso(gap.end), gap.missing)
