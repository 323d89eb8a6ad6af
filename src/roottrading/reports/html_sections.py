"""The tables of the page."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import Final

from roottrading.domain.money import plain
from roottrading.reports.cycle_statistics import Statistics
from roottrading.reports.html_elements import Cell, described, section, table, tone
from roottrading.reports.report import Report
from roottrading.reports.result import CheckLine
from roottrading.reports.wording import (
    NONE,
    basis_points,
    counted,
    fill_model,
    lasting,
    money,
    number,
    percent,
    protection,
)

MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def months(returns: Mapping[str, float]) -> str:
    """Return the table of monthly returns, by year; nothing where there are none."""
    if not returns:
        return ""
    deepest = max(abs(value) for value in returns.values()) or 1.0
    rows = []
    for year in sorted({month[:4] for month in returns}):
        cells = [f"<th>{year}</th>"]
        whole = 1.0
        for index in range(1, 13):
            value = returns.get(f"{year}-{index:02}")
            if value is None:
                cells.append("<td></td>")
                continue
            whole *= 1 + value
            shade = "gain" if value >= 0 else "loss"
            strength = 0.08 + 0.5 * abs(value) / deepest
            cells.append(
                f'<td style="background: rgba(var(--{shade}-soft), {strength:.2f})">{percent(value, True)}</td>'
            )
        cells.append(f"<td><b>{percent(whole - 1, True)}</b></td>")
        rows.append(f"<tr>{''.join(cells)}</tr>")
    head = "".join(f"<th>{name}</th>" for name in ("", *MONTHS, "Year"))
    grid = f'<table class="months"><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table>'
    return section("Monthly returns", f'<div class="scroll">{grid}</div>')


def grouped(title: str, name: str, groups: Mapping[str, Statistics], total: Statistics) -> str:
    """Return the table of figures per strategy or symbol, best first; nothing where there are none."""
    if not groups:
        return ""
    heads = (name, "Cycles", "Win rate", "Factor", "Expectancy", "R", "Net profit", "Fees", "Drawdown")
    more = ("Sharpe", "Sortino", "Calmar", "Exposure", "Turnover", "Best", "Worst", "Average")
    rows = [
        (
            group,
            str(figures.cycles),
            percent(figures.win_rate),
            number(figures.profit_factor),
            money(figures.expectancy, True),
            number(figures.expectancy_r, True),
            tone(float(figures.net_profit), money(figures.net_profit, True)),
            money(figures.fees),
            percent(figures.max_drawdown),
            number(figures.sharpe),
            number(figures.sortino),
            number(figures.calmar),
            percent(figures.exposure),
            f"{figures.turnover:.1f} x",
            money(figures.best_cycle.pnl if figures.best_cycle else None, True),
            money(figures.worst_cycle.pnl if figures.worst_cycle else None, True),
            lasting(figures.average_duration),
        )
        for group, figures in (*_ranked(groups), ("<b>total</b>", total))
    ]
    return section(title, table((*heads, *more), rows))


def _ranked(groups: Mapping[str, Statistics]) -> Iterable[tuple[Cell, Statistics]]:
    ranked = sorted(groups.items(), key=lambda item: (-item[1].net_profit, item[0]))
    return ((escape(name), figures) for name, figures in ranked)


def cycles(report: Report) -> str:
    """Return the table of cycles, filled by the script, and those open at the end."""
    heads = ("In", "Symbol", "Strategy", "Price", "Out", "Price", "Why", "Profit")
    buttons = (
        '<span class="buttons"><button id="back">◀</button><span id="where" class="hint"></span>'
        '<button id="next">▶</button></span>'
    )
    body = table(heads, (), ' id="cycles"')
    if report.open_cycles:
        rows = [
            (
                escape(cycle.symbol),
                escape(cycle.strategy),
                escape(cycle.status),
                "–" if cycle.entry_price is None else plain(cycle.entry_price),
                plain(cycle.quantity),
                money(cycle.worth),
                tone(float(cycle.profit), money(cycle.profit, True)),
            )
            for cycle in report.open_cycles
        ]
        names = ("Open at the end", "Strategy", "Status", "Price", "Quantity", "Worth", "Profit so far")
        body += f"<br>{table(names, rows)}"
    return section("Cycles", body, buttons)


def conditions(report: Report) -> str:
    """Return under what the figures came about: the tape, refusals, checks and settings."""
    header = report.header
    gone_at = header.profit_gone_at_slippage
    facts = [
        ("Tape", header.tape),
        ("Capital", f"{plain(header.capital)} {header.quote_asset}"),
        ("Fills", fill_model(header)),
        ("Protection", protection(header)),
        ("Profit gone at", NONE if gone_at is None else f"{basis_points(gone_at)} of slippage"),
        ("Parameter sets", str(header.parameter_sets)),
        *((f"Missing, {symbol}", f"{count} candles") for symbol, count in header.missing_candles.items()),
        *header.listings.items(),
        *(
            (f"Dust, {symbol}", f"{plain(dust.quantity)}, worth {money(dust.worth)}")
            for symbol, dust in header.dust.items()
        ),
    ]
    if header.deflated_sharpe is not None:
        facts.append(("Deflated Sharpe", f"{percent(header.deflated_sharpe)} likely above 0"))
    facts += [("Note", note) for note in header.notes]
    refused = [(reason, str(count)) for reason, count in header.refusals.items()]
    settings = sorted(_flat(header.settings))
    parts = (
        ("Conditions", facts),
        ("Refused entries", refused),
        ("Strategy checks", _checks(header.checks)),
        ("Settings", settings),
    )
    lists = "".join(f"<div><h2>{title}</h2>{described(lines)}<br></div>" for title, lines in parts if lines)
    return f'<section><div class="columns">{lists}</div></section>\n'


def _checks(checks: Sequence[CheckLine]) -> list[tuple[str, str]]:
    """Return a line for each finding, and one for all that passed."""
    found = [(f"{check.strategy}, {check.symbol}", f"FAILED: {check.finding}") for check in checks if not check.passed]
    passed = [check for check in checks if check.passed]
    if passed:
        strategies, looked = len({check.strategy for check in passed}), sum(check.candles for check in passed)
        found.append((counted(strategies, "strategy", "strategies"), f"passed, on {looked:,} candles"))
    return found


def _flat(settings: Mapping[str, object], section: str = "") -> Iterator[tuple[str, str]]:
    """Yield every setting under its full key, as it would be set."""
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{section}{name}.")
        elif isinstance(value, (list, tuple)):
            yield f"{section}{name}", ", ".join(map(str, value)) or NONE
        else:
            yield f"{section}{name}", NONE if value is None else str(value)
