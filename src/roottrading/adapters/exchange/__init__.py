"""Exchanges: where requests become orders, and the market answers with events."""
