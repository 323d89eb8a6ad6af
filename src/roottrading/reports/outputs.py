"""Writes a run's files: each whole or not at all."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from roottrading.reports import csv_files
from roottrading.reports.html import page
from roottrading.reports.json_text import json_text
from roottrading.reports.parquet import write_every_candle
from roottrading.reports.report import Report
from roottrading.reports.result import RunResult

OPTIONAL: Final = (  # not every run writes them
    *(file.name for file in csv_files.FILES if file.if_any),
    "report.html",
    "equity.parquet",
)


class OutputError(Exception):
    """A file could not be written: the message names it and the reason; files written before it stand."""


def write_outputs(
    result: RunResult, report: Report, folder: Path, html: bool = False, every_candle: bool = False
) -> list[Path]:
    """Write the CSV files and report.json into `folder` (made if it is not there), and return their paths.

    `html` adds report.html, `every_candle` equity at every candle as equity.parquet. What an earlier run left there
    and this one does not write is removed: the folder holds one run. Raises OutputError.
    """
    written = []
    path = folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file in csv_files.FILES:
            path, rows = folder / file.name, file.rows(result, report)
            if rows or not file.if_any:
                written.append(_write(path, csv_files.lines(file, rows)))
        path = folder / "report.json"
        written.append(_write(path, (report_json(report), "\n")))
        if html:
            path = folder / "report.html"
            written.append(_write(path, (page(result, report),)))
        if every_candle:
            path = folder / "equity.parquet"
            written.append(_whole(path, lambda partial: write_every_candle(result, partial)))
        for path in (folder / name for name in OPTIONAL):
            if path not in written:
                path.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(
            f"cannot write {path}: {error.strerror or error}; free space or choose another folder, then run it again"
        ) from error
    return written


def report_json(report: Report) -> str:
    """Return report.json's text: everything but the equity rows, which have their own file."""
    parts = {name: getattr(report, name) for name in report.__struct_fields__ if name != "equity"}
    return json_text(parts)


def _write(path: Path, lines: Iterable[str]) -> Path:
    def write(partial: Path) -> None:
        with partial.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(lines)

    return _whole(path, write)


def _whole(path: Path, write: Callable[[Path], None]) -> Path:
    """Let the file be written beside its place and put it there when it is whole."""
    partial = path.with_name(path.name + ".partial")
    try:
        write(partial)
        os.replace(partial, path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise
    return path
