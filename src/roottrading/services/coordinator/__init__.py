"""The coordinator: turns verdicts into trade cycles, within the limits of risk (trading-rules 2 and 3)."""
