"""The printed report: one screen, aligned, what a reader asks first at the top."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import zip_longest

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from roottrading.reports.cycle_statistics import CycleNote, Statistics
from roottrading.reports.report import Report
from roottrading.reports.wording import (
    NONE,
    basis_points,
    counted,
    day,
    fill_model,
    lasting,
    minute,
    money,
    number,
    percent,
    protection,
)

WIDE = 118  # columns of text from which on there is room for every figure
ROWS = 12  # of a table per strategy or symbol, best and worst; more would push the rest off the screen

_Group = tuple[str, Statistics]


def print_report(report: Report, console: Console | None = None) -> None:
    """Print the report for a person."""
    console = console or Console()
    console.print(render(report, console.width))


def render(report: Report, width: int = WIDE) -> RenderableType:
    """Return the printed report as something rich can print, laid out for so many columns of text."""
    parts: list[RenderableType] = [_headline(report), _figures(report, width)]
    for title, groups in (("Strategy", report.per_strategy), ("Symbol", report.per_symbol)):
        if groups:
            parts.extend(("", _groups(title, groups, width)))
    parts.extend(("", _remarks(report)))
    return Group(*parts)


def _tone(value: Decimal | float) -> str:
    return "green" if value > 0 else "red" if value < 0 else ""


def _headline(report: Report) -> Panel:
    header, metrics = report.header, report.metrics
    line = Text()
    line.append(f"{money(header.capital + header.added_capital)} → {money(report.final_equity)} {header.quote_asset}  ")
    line.append(percent(metrics.total_return, sign=True), style=f"bold {_tone(metrics.total_return)}")
    line.append(f"   buy and hold {percent(report.buy_and_hold.total_return, sign=True)}")
    symbols = ", ".join(header.symbols[:6]) + (
        f" and {len(header.symbols) - 6} more" if len(header.symbols) > 6 else ""
    )
    span = f"{minute(header.started_at)} – {minute(header.ended_at)} UTC"
    return Panel(Group(line, Text(f"{span}   {symbols}", style="dim")), title="RootTrading", title_align="left")


def _figures(report: Report, width: int) -> Table:
    metrics, hold, header = report.metrics, report.buy_and_hold, report.header
    worth = sum((dust.worth for dust in header.dust.values()), Decimal(0))
    figures = (
        ("Cycles", f"{metrics.cycles}  ({metrics.winners} won)"),
        ("Win rate", percent(metrics.win_rate)),
        ("Profit factor", number(metrics.profit_factor)),
        ("Expectancy", f"{money(metrics.expectancy, True)}  {number(metrics.expectancy_r, True)} R"),
        ("Average cycle", lasting(metrics.average_duration)),
        ("Best", _cycle(metrics.best_cycle)),
        ("Worst", _cycle(metrics.worst_cycle)),
        ("Net profit", money(metrics.net_profit, True)),
        ("Fees", money(metrics.fees)),
        ("Turnover", f"{metrics.turnover:.1f} x"),
        ("Exposure", percent(metrics.exposure)),
        ("Slippage it bears", basis_points(header.profit_gone_at_slippage)),
        ("Open at the end", f"{len(report.open_cycles)}  {money(report.unrealized, True)}"),
        ("Dust", f"{len(header.dust)}  {money(worth)}"),
        ("Max drawdown", percent(metrics.max_drawdown)),
        ("from, to", f"{day(metrics.max_drawdown_from)}, {day(metrics.max_drawdown_to)}"),
        ("Sharpe", number(metrics.sharpe)),
        ("Sortino", number(metrics.sortino)),
        ("Calmar", number(metrics.calmar)),
        ("Hold: drawdown", percent(hold.max_drawdown)),
        ("Hold: Sharpe", number(hold.sharpe)),
    )
    across = 3 if width >= WIDE else 2
    down = -(-len(figures) // across)
    table = Table.grid(padding=(0, 2))
    for _ in range(across):
        table.add_column(style="dim", no_wrap=True)
        table.add_column(justify="right", no_wrap=True)
    for row in range(down):
        table.add_row(*(text for pair in figures[row::down] for text in pair))
    return table


def _cycle(note: CycleNote | None) -> str:
    return NONE if note is None else f"{money(note.pnl, True)}  {note.symbol}"


def _groups(title: str, groups: Mapping[str, Statistics], width: int) -> Table:
    wide = width >= WIDE
    heads = [title, "Cycles", "Win rate", "Factor", "R", "Net profit", "Drawdown", "Sharpe"]
    heads += ["Expectancy", "Fees", "Exposure", "Turnover"] if wide else []
    ranked = sorted(groups.items(), key=lambda group: (-group[1].net_profit, group[0]))
    best, between, worst = _cut(ranked)
    lines = [(_line(group, wide), _tone(group[1].net_profit)) for group in (*best, *worst)]
    if between:
        lines.insert(len(best), (_summed(between), ""))
    taken = sum(max(map(len, column)) for column in zip_longest(heads, *(cells for cells, _ in lines), fillvalue=""))
    gap = 2 if taken + 2 * len(heads) <= width else 1
    table = Table(box=None, padding=(0, gap, 0, 0), header_style="dim", pad_edge=False)
    table.add_column(title, overflow="fold")  # where all does not fit, a name goes on below; no figure is ever cut
    for head in heads[1:]:
        table.add_column(head, justify="right", no_wrap=True)
    for place, (cells, tone) in enumerate(lines):
        shown = [
            Text(cell, style=tone) if head == "Net profit" else cell for head, cell in zip(heads, cells, strict=False)
        ]
        table.add_row(*shown, style="dim" if between and place == len(best) else None)
    return table


def _line(group: _Group, wide: bool) -> tuple[str, ...]:
    """Return the line of one strategy or symbol."""
    name, figures = group
    cells = (
        name,
        str(figures.cycles),
        percent(figures.win_rate),
        number(figures.profit_factor),
        number(figures.expectancy_r, True),
        money(figures.net_profit, True),
        percent(figures.max_drawdown),
        number(figures.sharpe),
    )
    if not wide:
        return cells
    return (
        *cells,
        money(figures.expectancy, True),
        money(figures.fees),
        percent(figures.exposure),
        f"{figures.turnover:.1f} x",
    )


def _cut(ranked: Sequence[_Group]) -> tuple[Sequence[_Group], Sequence[_Group], Sequence[_Group]]:
    """Split what is ranked into the best, those between, and the worst: a reader must see who lost most, too."""
    if len(ranked) <= ROWS + 1:  # a line for a single one would hide it for nothing
        return ranked, (), ()
    half = ROWS // 2
    return ranked[:half], ranked[half:-half], ranked[-half:]


def _summed(between: Sequence[_Group]) -> tuple[str, ...]:
    """Return the line that stands for the groups between the best and the worst."""
    cycles = sum(figures.cycles for _, figures in between)
    profit = sum((figures.net_profit for _, figures in between), Decimal(0))
    return f"{len(between)} more", str(cycles), "", "", "", money(profit, True)


def _remarks(report: Report) -> Table:
    header = report.header
    lines = [("Fills", fill_model(header))]
    if header.refusals:
        lines.append(("Refused", ", ".join(f"{reason} {count}" for reason, count in header.refusals.items())))
    lines.append(("Protection", protection(header)))
    if header.missing_candles:
        missing = ", ".join(f"{symbol} {count}" for symbol, count in header.missing_candles.items())
        lines.append(("Missing candles", missing))
    for symbol, listing in header.listings.items():
        lines.append((symbol, listing))
    if header.parameter_sets > 1:
        lines.append(("Parameter sets", f"{header.parameter_sets} tried on these candles"))
    if header.deflated_sharpe is not None:
        lines.append(("Deflated Sharpe", f"{percent(header.deflated_sharpe)} likely above 0 after so many sets"))
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    for name, text in lines:
        table.add_row(name, Text(text))
    failed = [check for check in header.checks if not check.passed]
    if header.checks and not failed:
        strategies = counted(len({check.strategy for check in header.checks}), "strategy", "strategies")
        table.add_row("Checks", Text(f"{strategies}: no look-ahead, warm-up long enough", style="green"))
    for check in failed:
        table.add_row("Check failed", Text(f"{check.strategy} on {check.symbol}: {check.finding}", style="bold red"))
    for note in header.notes:
        table.add_row("Note", Text(note, style="yellow"))
    return table
