"""RootTrading: automated trading on Binance spot, as one process, as services, and over recorded markets."""

__version__ = "0.1.0"
