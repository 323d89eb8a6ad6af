"""The simulated exchange on Binance's wire: REST, market streams, WebSocket API and user data on one port."""
