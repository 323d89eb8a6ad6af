"""What the page is built of: titles, heads and facts are texts; bodies, asides and cells are HTML already."""

from collections.abc import Iterable, Sequence
from html import escape

Cell = str  # HTML


def section(title: str, body: str, aside: str = "") -> str:
    """Return a part of the page under a title, with what stands beside the title."""
    return f'<section>\n<div class="head"><h2>{escape(title)}</h2>{aside}</div>\n{body}\n</section>\n'


def plot(name: str) -> str:
    """Return the place of a chart that the script draws."""
    return f'<div id="{name}" class="plot"></div>'


def tone(value: float, text: str) -> Cell:
    """Return a text in the color of its value's sign."""
    shade = "gain" if value > 0 else "loss" if value < 0 else ""
    return f'<span class="{shade}">{escape(text)}</span>' if shade else escape(text)


def table(heads: Sequence[str], rows: Iterable[Sequence[Cell]], attributes: str = "") -> str:
    """Return a table; heads are texts, cells are HTML."""
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    body = "\n".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    whole = f"<table{attributes}><thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table>"
    return f'<div class="scroll">{whole}</div>'


def described(lines: Iterable[tuple[str, str]]) -> str:
    """Return a list of names, each with its text."""
    return "<dl>" + "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in lines) + "</dl>"
