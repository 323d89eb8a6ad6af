"""One self-contained page: people would rather look than read. Nothing is loaded from anywhere."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from importlib.resources import files

import msgspec

from roottrading.domain.money import plain
from roottrading.reports.cycle_statistics import Statistics
from roottrading.reports.page_data import page_data
from roottrading.reports.report import Report
from roottrading.reports.result import CheckLine, RunResult
from roottrading.reports.wording import (
    NONE,
    basis_points,
    day,
    fill_model,
    lasting,
    minute,
    money,
    number,
    percent,
    protection,
)

Cell = str
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def page(result: RunResult, report: Report) -> str:
    """Return the whole page as text: tables in HTML, curves and prices as data for the script inside it."""
    assets = files("roottrading.reports") / "assets"
    style, script = ((assets / name).read_text(encoding="utf-8") for name in ("report.css", "report.js"))
    # A script element ends at the first "</", whatever it stands in: no text from outside may hold one.
    data = msgspec.json.encode(page_data(result, report.equity)).decode().replace("<", "\\u003c")
    header = report.header
    symbols = ", ".join(header.symbols)
    span = f"{minute(header.started_at)} – {minute(header.ended_at)} UTC"
    sections = (
        _section("Equity", _plot("equity") + _plot("drawdown"), _LEGEND),
        _section("Prices, entries and exits", '<div id="symbols" class="buttons"></div>' + _plot("price"), _ZOOM),
        _months(report.monthly_returns),
        _groups("By strategy", "Strategy", report.per_strategy, report.metrics),
        _groups("By symbol", "Symbol", report.per_symbol, report.metrics),
        _cycles(report),
        _conditions(report),
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>RootTrading: {escape(symbols)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>\n"
        f'<h1>RootTrading</h1>\n<div class="soft">{escape(span)} · {escape(symbols)}</div>\n'
        f"{_tiles(report)}\n{''.join(sections)}</main>\n"
        f'<script id="data" type="application/json">{data}</script>\n<script>\n{script}</script>\n</body>\n</html>\n'
    )


_LEGEND = (
    '<span class="hint"><span class="key" style="--mark: var(--accent)">equity</span>'
    '<span class="key" style="--mark: var(--hold)">buy and hold</span> · drag to zoom, double-click to see all</span>'
)
_ZOOM = '<span class="hint">▲ in, ▼ out · drag to zoom, double-click to see all</span>'


def _section(title: str, body: str, aside: str = "") -> str:
    return f'<section>\n<div class="head"><h2>{escape(title)}</h2>{aside}</div>\n{body}\n</section>\n'


def _plot(name: str) -> str:
    return f'<div id="{name}" class="plot"></div>'


def _tone(value: float, text: str) -> Cell:
    shade = "gain" if value > 0 else "loss" if value < 0 else ""
    return f'<span class="{shade}">{escape(text)}</span>' if shade else escape(text)


def _tiles(report: Report) -> str:
    metrics, hold, quote = report.metrics, report.buy_and_hold, report.header.quote_asset
    tiles = (
        (_tone(metrics.total_return, percent(metrics.total_return, True)), "total return"),
        (escape(f"{money(report.final_equity)}"), f"{quote} at the end"),
        (_tone(hold.total_return, percent(hold.total_return, True)), "buy and hold"),
        (percent(metrics.max_drawdown), f"drawdown {day(metrics.max_drawdown_from)} – {day(metrics.max_drawdown_to)}"),
        (str(metrics.cycles), f"cycles, {metrics.winners} won, {metrics.losers} lost"),
        (percent(metrics.win_rate), "win rate"),
        (number(metrics.profit_factor), "profit factor"),
        (number(metrics.expectancy_r, True), "R a cycle"),
        (number(metrics.sharpe), "Sharpe"),
        (number(metrics.sortino), "Sortino"),
        (number(metrics.calmar), "Calmar"),
        (money(metrics.fees), f"{quote} of fees"),
    )
    cells = "".join(f'<div class="tile"><b>{value}</b><span>{escape(name)}</span></div>' for value, name in tiles)
    return f'<div class="tiles">{cells}</div>'


def _table(heads: Sequence[str], rows: Iterable[Sequence[Cell]], attributes: str = "") -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    body = "\n".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    table = f"<table{attributes}><thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table>"
    return f'<div class="scroll">{table}</div>'


def _months(returns: Mapping[str, float]) -> str:
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
    table = f'<table class="months"><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table>'
    return _section("Monthly returns", f'<div class="scroll">{table}</div>')


def _groups(title: str, name: str, groups: Mapping[str, Statistics], total: Statistics) -> str:
    if not groups:
        return ""
    heads = (name, "Cycles", "Win rate", "Profit factor", "Expectancy", "R", "Net profit", "Fees", "Max drawdown")
    more = ("Sharpe", "Sortino", "Calmar", "Exposure", "Turnover", "Best", "Worst", "Average")
    rows = [
        (
            group,
            str(figures.cycles),
            percent(figures.win_rate),
            number(figures.profit_factor),
            money(figures.expectancy, True),
            number(figures.expectancy_r, True),
            _tone(float(figures.net_profit), money(figures.net_profit, True)),
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
    return _section(title, _table((*heads, *more), rows))


def _ranked(groups: Mapping[str, Statistics]) -> Iterable[tuple[Cell, Statistics]]:
    ranked = sorted(groups.items(), key=lambda item: (-item[1].net_profit, item[0]))
    return ((escape(name), figures) for name, figures in ranked)


def _cycles(report: Report) -> str:
    heads = ("In", "Symbol", "Strategy", "Price", "Out", "Price", "Why", "Profit")
    buttons = (
        '<span class="buttons"><button id="back">◀</button><span id="where" class="hint"></span>'
        '<button id="next">▶</button></span>'
    )
    body = _table(heads, (), ' id="cycles"')
    if report.open_cycles:
        rows = [
            (
                escape(cycle.symbol),
                escape(cycle.strategy),
                escape(cycle.status),
                "–" if cycle.entry_price is None else plain(cycle.entry_price),
                plain(cycle.quantity),
                money(cycle.worth),
                _tone(float(cycle.profit), money(cycle.profit, True)),
            )
            for cycle in report.open_cycles
        ]
        names = ("Open at the end", "Strategy", "Status", "Price", "Quantity", "Worth", "Profit so far")
        body += f"<br>{_table(names, rows)}"
    return _section("Cycles", body, buttons)


def _conditions(report: Report) -> str:
    header = report.header
    facts = [
        ("Tape", header.tape),
        ("Capital", f"{plain(header.capital)} {header.quote_asset}"),
        ("Fills", fill_model(header)),
        ("Protection", protection(header)),
        (
            "Profit gone at",
            f"{basis_points(header.profit_gone_at_slippage)} of slippage",
        ),
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
    lists = "".join(f"<div><h2>{title}</h2>{_facts(lines)}<br></div>" for title, lines in parts if lines)
    return f'<section><div class="columns">{lists}</div></section>\n'


def _checks(checks: Sequence[CheckLine]) -> list[tuple[str, str]]:
    """Return a line for each finding, and one for all that passed."""
    found = [(f"{check.strategy}, {check.symbol}", f"FAILED: {check.finding}") for check in checks if not check.passed]
    passed = [check for check in checks if check.passed]
    if passed:
        strategies, looked = len({check.strategy for check in passed}), sum(check.candles for check in passed)
        found.append((f"{strategies} strategies", f"passed, on {looked:,} candles"))
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


def _facts(lines: Iterable[tuple[str, str]]) -> str:
    return "<dl>" + "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in lines) + "</dl>"
