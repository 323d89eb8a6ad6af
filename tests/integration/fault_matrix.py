"""Playing the fault matrix: `python -m tests.integration.fault_matrix [PART OF A NAME]` prints it.

Without a part it plays all cells, and writes the matrix into docs/reliability.md.
"""

import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Final

from msgspec import Struct

from roottrading.domain.time import SECOND, Time
from tests.integration.fault_cell import play
from tests.integration.fault_checks import UNPROTECTED, longest_unprotected, problems
from tests.integration.fault_rows import ROWS, STEPS, cells

PAGE: Final = Path(__file__).parents[2] / "docs" / "reliability.md"
NOWHERE: Final = "-"
_BEGINS: Final = "<!-- the fault matrix begins -->"
_ENDS: Final = "<!-- the fault matrix ends -->"


class Result(Struct, frozen=True):
    """What came of a cell."""

    row: str
    step: str
    struck: int
    problems: tuple[str, ...]
    unprotected: Time

    @property
    def shown(self) -> str:
        """Return the cell as the matrix shows it: how often the fault struck, and whether all was well."""
        return f"{self.struck} ok" if not self.problems else f"{self.struck} WRONG"


NAMES: Final = tuple((row.name, step.name) for row in ROWS for step, _ in cells(row))


def result(names: tuple[str, str]) -> Result:
    """Play a cell, by the names of its row and its step."""
    row = next(each for each in ROWS if each.name == names[0])
    cell = next(cell for step, cell in cells(row) if step.name == names[1])
    played = play(cell)
    found = problems(played)
    unprotected = longest_unprotected(played)
    if unprotected > UNPROTECTED and not row.takes_nothing:
        found.append(f"without a stop for {unprotected / SECOND} s")
    if not played.struck:
        found.append("it never struck")
    return Result(row.name, names[1], played.struck, tuple(found), unprotected)


def matrix(results: list[Result]) -> str:
    """Return the matrix as a Markdown table."""
    by_name = {(each.row, each.step): each for each in results}
    heads = ["fault", *(step.name for step in STEPS), "longest without a stop"]
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    for row in ROWS:
        found = [by_name.get((row.name, step.name)) for step in STEPS]
        if any(found):
            longest = max(each.unprotected for each in found if each is not None) / SECOND
            shown = [NOWHERE if each is None else each.shown for each in found]
            lines.append(f"| {row.name} | {' | '.join(shown)} | {longest:.1f} s |")
    struck = sum(each.struck for each in results)
    well = sum(not each.problems for each in results)
    return "\n".join([*lines, "", f"{len(results)} cells, {struck} strikes, {well} cells in which all was well."])


def written(page: str, table: str) -> str:
    """Return the page with this matrix."""
    before, _, rest = page.partition(_BEGINS)
    return f"{before}{_BEGINS}\n\n{table}\n\n{_ENDS}{rest.partition(_ENDS)[2]}"


def shown(page: str) -> dict[tuple[str, str], str]:
    """Return what the page's matrix says of each cell that there is."""
    lines = page.partition(_BEGINS)[2].partition(_ENDS)[0].splitlines()
    table = [[each.strip() for each in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    heads, rows = table[0], table[1:]
    return {
        (row[0], step): said
        for row in rows
        for step, said in zip(heads[1:-1], row[1:-1], strict=True)
        if said != NOWHERE
    }


def main() -> None:
    """Play the cells whose names hold what is asked for, two at a time, and print the matrix."""
    part = " ".join(sys.argv[1:])
    chosen = [names for names in NAMES if part in " at ".join(names)]
    results = []
    with ProcessPoolExecutor(2) as pool:
        for playing in as_completed([pool.submit(result, names) for names in chosen]):
            found = playing.result()
            results.append(found)
            said = "; ".join(found.problems) or "ok"
            print(f"{len(results)} of {len(chosen)}: {found.row} at {found.step}: {said}", file=sys.stderr, flush=True)
    table = matrix(results)
    print(table)
    if not part:
        PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), table), encoding="utf-8")


if __name__ == "__main__":
    main()
