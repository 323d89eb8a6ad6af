"""What keeps a recording whole: members of the file, numbers of the streams, books behind their snapshots."""

import gzip
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roottrading.history.errors import HistoryError
from roottrading.history.recording.books import MOST_HELD, Book
from roottrading.history.recording.recording_file import RecordingFile
from roottrading.history.recording.sequences import News, Said, Sequences, read_frame


def record(path: Path, *frames: bytes) -> int:
    """Record frames, each in a member of its own; return how many bytes were cut off before."""
    file = RecordingFile(path)
    for number, frame in enumerate(frames):
        file.write(number, frame)
        file.flush()
    file.close()
    return file.cut_off


def test_a_recording_goes_on_wherever_it_was_cut(tmp_path: Path) -> None:
    path = tmp_path / "market.gz"
    record(path, b"a" * 50, b"b" * 50, b"c" * 50)
    whole = path.read_bytes()
    lines = [b"%d %s\n" % (number, bytes([97 + number]) * 50) for number in range(3)]
    ends = [whole.index(b"\x1f\x8b", 1), whole.rindex(b"\x1f\x8b"), len(whole)]
    assert [gzip.decompress(whole[:end]) for end in ends] == [b"".join(lines[: count + 1]) for count in range(3)]
    for length in range(len(whole) + 1):
        path.write_bytes(whole[:length])
        if length == 1:  # not even known to be a recording
            with pytest.raises(HistoryError, match="no recording"):
                RecordingFile(path)
            continue
        kept = [end for end in (0, *ends) if end <= length]
        assert record(path, b"d") == length - kept[-1]
        assert gzip.decompress(path.read_bytes()) == b"".join([*lines[: len(kept) - 1], b"0 d\n"])


def test_a_frame_is_one_line_and_its_bytes_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "market.gz"
    record(path, b'{"a":\n1}', '{"é":"\\u00e9"}'.encode())
    assert gzip.decompress(path.read_bytes()) == b'0 {"a": 1}\n1 ' + '{"é":"\\u00e9"}\n'.encode()


def test_one_process_records_into_a_file(tmp_path: Path) -> None:
    path = tmp_path / "market.gz"
    file = RecordingFile(path)
    with pytest.raises(HistoryError, match="another process records"):
        RecordingFile(path)
    file.close()
    assert not path.exists()  # nothing came
    record(path, b"a")
    assert path.exists()


def test_another_file_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("keep me")
    with pytest.raises(HistoryError, match="no recording"):
        RecordingFile(path)
    assert path.read_text() == "keep me"
    with pytest.raises(HistoryError, match="cannot be written"):
        RecordingFile(tmp_path)


def said(stream: str, **data: Any) -> Said:
    found = read_frame(msgspec.json.encode({"stream": stream, "data": data}))
    assert found is not None
    return found


@given(st.lists(st.integers(0, 30)))
def test_of_frames_heard_twice_the_first_counts(numbers: list[int]) -> None:
    """Two connections that overlap say the same; whatever the mixture, numbers only go up."""
    sequences = Sequences()
    taken = [news.number for number in numbers if (news := sequences.take(said("btcusdt@trade", t=number)))]
    assert taken == [number for place, number in enumerate(numbers) if number > max(numbers[:place], default=-1)]


def test_each_kind_of_stream_has_its_number() -> None:
    sequences = Sequences()
    for stream, data in (
        ("btcusdt@trade", {"t": 5}),
        ("btcusdt@aggTrade", {"a": 5}),
        ("btcusdt@bookTicker", {"u": 5, "a": "1.0", "b": "2.0"}),
        ("btcusdt@depth@100ms", {"U": 3, "u": 5, "E": 9, "b": [], "a": []}),
        ("btcusdt@kline_1m", {"E": 5, "k": {}}),
    ):
        news = sequences.take(said(stream, **data))
        assert news is not None
        assert (news.symbol, news.number, news.missing) == ("BTCUSDT", 5, 0)
        assert sequences.take(said(stream, **data)) is None


@pytest.mark.parametrize(
    ("stream", "data"),
    [
        ("btcusdt@trade", {}),
        ("btcusdt@trade", {"t": "x"}),
        ("btcusdt@depth@100ms", {"u": 5}),
        ("btcusdt@news", {"t": 1}),
    ],
)
def test_what_makes_no_sense_is_no_news(stream: str, data: dict[str, Any]) -> None:
    assert Sequences().take(said(stream, **data)) is None


@given(st.binary())
def test_no_bytes_raise(data: bytes) -> None:
    found = read_frame(data)
    assert found is None or isinstance(found, Said)


def test_holes_are_counted_where_numbers_tell_them() -> None:
    sequences = Sequences()
    missing = []
    for stream, data in (
        ("btcusdt@trade", {"t": 5}),
        ("btcusdt@trade", {"t": 9}),
        ("btcusdt@depth@100ms", {"U": 1, "u": 4}),
        ("btcusdt@depth@100ms", {"U": 5, "u": 8}),
        ("btcusdt@depth@100ms", {"U": 11, "u": 12}),
        ("btcusdt@bookTicker", {"u": 20}),
        ("btcusdt@bookTicker", {"u": 30}),
    ):
        taken = sequences.take(said(stream, **data))
        assert taken is not None
        missing.append(taken.missing)
    assert missing == [0, 3, 0, 0, 2, 0, 0]


def news(first: int, last: int, missing: int = 0) -> News:
    return News("BTCUSDT", "depth@100ms", last, first, missing)


def names(lines: list[tuple[int, bytes]]) -> list[str]:
    return ["snapshot" if b"depth.snapshot" in line else line.decode() for _, line in lines]


def test_changes_wait_for_the_snapshot_that_they_follow() -> None:
    book = Book("BTCUSDT")
    assert book.snapshot(1, {"lastUpdateId": 100, "bids": [], "asks": []}) == []
    assert [book.waits] == [False]
    assert book.change(news(11, 12), 1, b"first") == []
    assert [book.waits] == [True]
    assert book.snapshot(2, {"lastUpdateId": 9}) == []  # too old: 10 would be missing
    assert book.snapshot(2, {"code": -1}) == []
    assert book.change(news(13, 14), 3, b"second") == []
    assert names(book.snapshot(4, {"lastUpdateId": 10})) == ["snapshot", "first", "second"]
    assert names(book.change(news(15, 16), 5, b"third")) == ["third"]
    assert [book.waits] == [False]


def test_after_a_hole_there_is_another_snapshot() -> None:
    book = Book("BTCUSDT")
    book.change(news(11, 12), 1, b"first")
    book.change(news(15, 16, missing=2), 2, b"second")
    assert names(book.snapshot(3, {"lastUpdateId": 15})) == ["snapshot", "second"]
    assert book.change(news(30, 31, missing=13), 4, b"third") == []
    assert [book.waits] == [True]
    assert names(book.snapshot(5, {"lastUpdateId": 29})) == ["snapshot", "third"]


def test_a_silent_rest_does_not_fill_the_memory() -> None:
    book = Book("BTCUSDT")
    for number in range(MOST_HELD + 10):
        book.change(news(number, number), 1, b"x")
    assert len(book.snapshot(2, {"lastUpdateId": MOST_HELD})) == MOST_HELD + 1
