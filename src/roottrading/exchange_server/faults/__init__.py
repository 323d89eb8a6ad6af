"""Faults by command: what can go wrong with an exchange, made to go wrong where and when a person says."""
