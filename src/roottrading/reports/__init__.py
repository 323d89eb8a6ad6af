"""What a run says of itself: CSV files, report.json, the printed report and the page to look at.

A `RunResult` is all that a run leaves; `build_report` makes figures of it, and `write_outputs` files.
"""

from roottrading.reports.outputs import OutputError, write_outputs
from roottrading.reports.report import Report
from roottrading.reports.result import CheckLine, RunResult
from roottrading.reports.result_to_report import build_report
from roottrading.reports.text import print_report

__all__ = ["CheckLine", "OutputError", "Report", "RunResult", "build_report", "print_report", "write_outputs"]
