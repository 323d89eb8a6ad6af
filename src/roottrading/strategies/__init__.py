"""The strategies: one file each; `contract.py` says what one is."""
