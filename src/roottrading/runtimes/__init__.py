"""The loops that move messages through the services: embedded, backtest, and what they share."""
