"""The portfolio: keeps the books of the bot's own share of the account, double-entry, exact to the last digit."""

from roottrading.services.portfolio.fills_to_balances import Portfolio

__all__ = ["Portfolio"]
