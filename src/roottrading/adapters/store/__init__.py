"""Stores: where state and journals are kept; `port.py` says what a store is."""
