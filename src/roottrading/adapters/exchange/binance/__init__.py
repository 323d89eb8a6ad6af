"""Binance spot on the wire: orders and account over REST and the WebSocket API, market data over streams."""
