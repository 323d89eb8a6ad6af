"""RootTrading: automated trading on Binance spot, as one process, as services, and as a backtest."""

__version__ = "0.1.0"
