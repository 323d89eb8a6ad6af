"""How many parameter sets a market was tried with is kept between runs, and keeping it never fails one."""

from pathlib import Path

from roottrading.cli.tried_sets import TriedSets, cache_folder


def ledger(folder: Path, settings: str, market: str = "m") -> TriedSets:
    return TriedSets(market, settings, {"XDG_CACHE_HOME": str(folder)})


def test_a_set_counts_once_and_only_on_its_market(tmp_path: Path) -> None:
    for settings, sharpe in (("a", 1.5), ("b", None), ("a", 1.5), ("c", -0.25)):
        ledger(tmp_path, settings).add(sharpe)
    ledger(tmp_path, "d", "another").add(3.0)
    assert ledger(tmp_path, "a").others() == [None, -0.25]
    assert ledger(tmp_path, "new").others() == [1.5, None, -0.25]
    (file,) = (tmp_path / "roottrading" / "tried").glob("m.*")
    assert file.read_text().count("\n") == 3


def test_the_newest_figure_of_a_set_counts(tmp_path: Path) -> None:
    for sharpe in (1.0, 2.0):
        ledger(tmp_path, "a").add(sharpe)
    assert ledger(tmp_path, "b").others() == [2.0]


def test_a_line_cut_short_is_passed_over(tmp_path: Path) -> None:
    ledger(tmp_path, "a").add(1.0)
    (file,) = tmp_path.rglob("*.jsonl")
    file.write_bytes(file.read_bytes() + b'{"settings":"b","sh\n\xff\n[1]\n')
    ledger(tmp_path, "c").add(2.0)
    assert ledger(tmp_path, "d").others() == [1.0, 2.0]


def test_a_cache_that_cannot_be_written_is_a_note(tmp_path: Path) -> None:
    (tmp_path / "roottrading").write_text("a file in the way")
    tried = ledger(tmp_path, "a")
    assert tried.others() == []
    tried.add(1.0)
    assert tried.notes == ("parameter sets tried are not counted: Not a directory",)


def test_the_cache_folder_is_the_users(tmp_path: Path) -> None:
    assert cache_folder({"XDG_CACHE_HOME": str(tmp_path)}) == tmp_path / "roottrading"
    for environment in ({}, {"XDG_CACHE_HOME": "relative"}):
        assert cache_folder(environment) == Path.home() / ".cache" / "roottrading"
