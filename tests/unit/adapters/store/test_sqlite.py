import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec import Struct

from roottrading.adapters.store import database
from roottrading.adapters.store.control_inbox import post_control
from roottrading.adapters.store.database import FILE
from roottrading.adapters.store.port import (
    Commit,
    Fenced,
    InUse,
    StoreCorrupt,
    StoreError,
    StoreFull,
    WrongIdentity,
)
from roottrading.adapters.store.sqlite import SqliteStore
from roottrading.messages.service import ControlChanged, Row, Table


class Amount(Struct, frozen=True):
    asset: str
    value: Decimal
    note: str = ""


class Wider(Struct, frozen=True):
    asset: str
    value: Decimal
    note: str
    more: int


AMOUNTS = Table("amounts", ("asset",), Amount, "state")
IDENTITY = {"tape": "ab12", "version": "1"}


def open_store(folder: Path, tables: tuple[Table, ...] = (AMOUNTS,), **identity: str) -> SqliteStore:
    return SqliteStore.open(folder, tables, IDENTITY | identity)


def put(asset: str, value: str, note: str = "") -> Row:
    return Row("amounts", (asset,), Amount(asset, Decimal(value), note))


def kept(store: SqliteStore) -> dict[str, str]:
    return {row.values.asset: str(row.values.value) for row in store.load().rows["amounts"]}


def test_a_decimal_is_kept_as_plain_text_for_whoever_reads_the_file(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        store.commit(Commit([put("BTC", "0.10"), put("DOGE", "1E+3"), put("PEPE", "4.1E-7")]))
    rows = sqlite3.connect(tmp_path / FILE).execute("SELECT asset, value, typeof(value) FROM amounts").fetchall()
    assert rows == [("BTC", "0.10", "text"), ("DOGE", "1000", "text"), ("PEPE", "0.00000041", "text")]


def test_another_tape_is_refused_naming_both_and_nothing_is_changed(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        store.commit(Commit([put("BTC", "1")]))
    with pytest.raises(WrongIdentity, match="tape is ab12 there and cd34 here") as refused:
        open_store(tmp_path, tape="cd34")
    assert str(tmp_path) in str(refused.value)
    with open_store(tmp_path) as store:
        assert kept(store) == {"BTC": "1"}


def test_an_identity_with_one_thing_more_is_another(tmp_path: Path) -> None:
    open_store(tmp_path).close()
    with pytest.raises(WrongIdentity, match="deployment is not set there and sim here"):
        open_store(tmp_path, deployment="sim")


def test_a_table_of_another_shape_is_refused(tmp_path: Path) -> None:
    open_store(tmp_path).close()
    with pytest.raises(WrongIdentity, match=r"table amounts has the columns asset, value, note, this version writes"):
        open_store(tmp_path, (Table("amounts", ("asset",), Wider, "state"),))


@pytest.mark.parametrize("name", ["identity", "owner", "units", "progress"])
def test_a_service_cannot_name_its_table_like_the_stores_own(tmp_path: Path, name: str) -> None:
    with pytest.raises(StoreError, match="the store's own"):
        open_store(tmp_path, (Table(name, ("asset",), Amount, "state"),))


def test_a_key_that_contradicts_its_record_is_refused(tmp_path: Path) -> None:
    with open_store(tmp_path) as store, pytest.raises(StoreError, match=r"has the key \('ETH',\).*asset = 'BTC'"):
        store.commit(Commit([Row("amounts", ("ETH",), Amount("BTC", Decimal(1)))]))


def test_a_value_without_a_form_in_json_is_named_when_it_is_written(tmp_path: Path) -> None:
    class Pairs(Struct):
        id: str
        counts: dict[tuple[str, int], int]

    with (
        open_store(tmp_path, (Table("pairs", ("id",), Pairs, "state"),)) as store,
        pytest.raises(StoreError, match="field counts of table 'pairs' cannot be kept"),
    ):
        store.commit(Commit([Row("pairs", ("a",), Pairs("a", {("b", 1): 2}))]))


def test_a_field_that_cannot_be_kept_is_named_when_the_store_is_opened(tmp_path: Path) -> None:
    class Odd(Struct):
        id: str
        what: Callable[[], int]

    with pytest.raises(StoreError, match="field what of table 'odd' cannot be kept"):
        open_store(tmp_path, (Table("odd", ("id",), Odd, "state"),))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_float_that_is_no_number_is_refused(tmp_path: Path, value: float) -> None:
    class Ratio(Struct):
        id: str
        value: float

    with (
        open_store(tmp_path, (Table("ratios", ("id",), Ratio, "state"),)) as store,
        pytest.raises(StoreError, match="no such number"),
    ):
        store.commit(Commit([Row("ratios", ("a",), Ratio("a", value))]))


def test_a_folder_in_use_is_refused_naming_its_owner(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        with pytest.raises(InUse, match=f"in use by process {os.getpid()} on "):
            open_store(tmp_path)
        store.commit(Commit([put("BTC", "1")]))
        assert kept(store) == {"BTC": "1"}


def silence(folder: Path) -> None:
    """Make the owner look as if it had not beaten for longer than is allowed."""
    with sqlite3.connect(folder / FILE) as connection:
        connection.execute("UPDATE owner SET beat_at = beat_at - 10100000")


def test_a_silent_owner_is_taken_over_and_shut_out(tmp_path: Path) -> None:
    old = SqliteStore.open(tmp_path, [AMOUNTS], IDENTITY, beat_seconds=3600)
    old.commit(Commit([put("BTC", "1")]))
    silence(tmp_path)
    with open_store(tmp_path) as heir:
        assert heir.load().fence == old.load().fence + 1
        heir.commit(Commit([put("BTC", "2")]))
        with pytest.raises(Fenced, match=f"taken over by process {os.getpid()}"):
            old.commit(Commit([put("BTC", "3")], position=(9, "fills")))
        heir.post_control(ControlChanged(0, "flatten", "trading", "", "", "anna", ""))
        with pytest.raises(Fenced):  # what people want is said to the heir
            old.poll_control(0)
        assert kept(heir) == {"BTC": "2"}
        assert heir.load().position is None
        with pytest.raises(InUse):  # the heir holds a lock of its own
            open_store(tmp_path)
        old.close()
        with pytest.raises(InUse):  # and keeps it when the old owner ends
            open_store(tmp_path)


def test_who_stands_still_in_a_write_cannot_be_taken_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "WAIT_SECONDS", 0.05)
    old = SqliteStore.open(tmp_path, [AMOUNTS], IDENTITY, beat_seconds=3600)
    silence(tmp_path)
    with closing(database.connect(tmp_path)) as writing:
        writing.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match=r"kept it locked .* end it with kill -9"):
            open_store(tmp_path)
    with open_store(tmp_path) as heir:
        assert heir.load().fence == old.load().fence + 1
    old.close()


def test_the_heart_beats_until_the_store_is_closed(tmp_path: Path) -> None:
    with SqliteStore.open(tmp_path, [AMOUNTS], IDENTITY, beat_seconds=0.01):
        silence(tmp_path)
        reader = sqlite3.connect(tmp_path / FILE)
        silent = reader.execute("SELECT beat_at FROM owner").fetchone()
        for _ in range(500):
            time.sleep(0.01)
            if reader.execute("SELECT beat_at FROM owner").fetchone() > silent:
                break
        else:
            pytest.fail("no beat in five seconds")
        reader.close()
        with pytest.raises(InUse):
            open_store(tmp_path)


KILLED = """
    import sys, time
    from decimal import Decimal
    from pathlib import Path
    from tests.unit.adapters.store.test_sqlite import Commit, open_store, put
    store = open_store(Path(sys.argv[1]))
    for number in range(10_000_000):
        store.commit(Commit([put("BTC", str(number)), put("ETH", str(number))], position=(number, "fills")))
        if number == 50:
            print("going", flush=True)
"""


def test_kill_9_between_any_two_instructions_leaves_whole_commits_and_a_free_lock(tmp_path: Path) -> None:
    running = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(KILLED), str(tmp_path)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[4],
    )
    assert running.stdout is not None
    assert running.stdout.readline() == b"going\n"
    running.send_signal(signal.SIGKILL)
    running.wait()
    running.stdout.close()
    with open_store(tmp_path) as store:  # at once, although the last beat is fresh: a free lock is taken
        loaded = store.load()
        assert loaded.position is not None
        number = str(loaded.position[0])
        assert int(number) >= 50
        assert kept(store) == {"BTC": number, "ETH": number}


def test_a_full_disk_keeps_what_was_committed_and_says_so(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        store.commit(Commit([put("BTC", "1")]))
        pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
        store._connection.execute(f"PRAGMA max_page_count = {pages + 2}")
        with pytest.raises(StoreFull, match="no room left on the disk"):
            store.commit(Commit([put("ETH", "2", note="x" * 100_000)], position=(1, "fills")))
        store.commit(Commit([put("BTC", "3")]))
        assert kept(store) == {"BTC": "3"}
        assert store.load().position is None


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"this is no database" * 100)
    with pytest.raises(StoreCorrupt, match=r"state\.sqlite is damaged .*move it away"):
        open_store(tmp_path)


def test_damage_within_the_file_is_named(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        store.commit(Commit([put(f"A{number}", "1", note="x" * 1000) for number in range(200)]))
    path = tmp_path / FILE
    data = bytearray(path.read_bytes())
    for page in range(4, len(data) // 4096):
        data[page * 4096 : page * 4096 + 200] = b"\xff" * 200
    path.write_bytes(data)
    with pytest.raises(StoreCorrupt), open_store(tmp_path) as store:
        store.load()


def test_a_value_that_is_no_number_is_named_with_its_table(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        store.commit(Commit([put("BTC", "1")]))
        store._connection.execute("UPDATE amounts SET value = 'one'")
        with pytest.raises(StoreCorrupt, match="table amounts"):
            store.load()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="choose another with --state"):
        open_store(tmp_path / "file" / "state")


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()  # a file cannot be opened there, not even by root
    with pytest.raises(StoreError, match="cannot be written"):
        open_store(tmp_path)


def test_a_command_reaches_the_owner_from_outside(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        assert post_control(tmp_path, ControlChanged(0, "pause", "trading", "BTCUSDT", "", "anna", "")) == 1
        assert store.poll_control(0) == (ControlChanged(1, "pause", "trading", "BTCUSDT", "", "anna", ""),)
