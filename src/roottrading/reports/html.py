"""One self-contained page: people would rather look than read. Nothing is loaded from anywhere."""

from html import escape
from importlib.resources import files
from typing import Final

import msgspec

from roottrading.reports.html_elements import plot, section, tone
from roottrading.reports.html_sections import conditions, cycles, grouped, months
from roottrading.reports.page_data import page_data
from roottrading.reports.report import Report
from roottrading.reports.result import RunResult
from roottrading.reports.wording import day, minute, money, number, percent


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
        section("Equity", plot("equity") + plot("drawdown"), _LEGEND),
        section("Prices, entries and exits", '<div id="symbols" class="buttons"></div>' + plot("price"), _ZOOM),
        months(report.monthly_returns),
        grouped("By strategy", "Strategy", report.per_strategy, report.metrics),
        grouped("By symbol", "Symbol", report.per_symbol, report.metrics),
        cycles(report),
        conditions(report),
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>RootTrading: {escape(symbols)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>\n"
        f'<h1>RootTrading</h1>\n<div class="soft">{escape(span)} · {escape(symbols)}</div>\n'
        f"{_tiles(report)}\n{''.join(sections)}</main>\n"
        f'<script id="data" type="application/json">{data}</script>\n<script>\n{script}</script>\n</body>\n</html>\n'
    )


_LEGEND: Final = (
    '<span class="hint"><span class="key" style="--mark: var(--accent)">equity</span>'
    '<span class="key" style="--mark: var(--hold)">buy and hold</span> · drag to zoom, double-click to see all</span>'
)
_ZOOM: Final = '<span class="hint">▲ in, ▼ out · drag to zoom, double-click to see all</span>'


def _tiles(report: Report) -> str:
    metrics, hold, quote = report.metrics, report.buy_and_hold, report.header.quote_asset
    tiles = (
        (tone(metrics.total_return, percent(metrics.total_return, True)), "total return"),
        (money(report.final_equity), f"{quote} at the end"),
        (tone(hold.total_return, percent(hold.total_return, True)), "buy and hold"),
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
