"""The edges: buses, stores, exchanges, tapes."""
