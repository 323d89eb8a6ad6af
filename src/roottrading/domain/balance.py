"""Balances: what an account holds of an asset."""

from decimal import Decimal

from msgspec import Struct


class Balance(Struct, frozen=True, gc=False):
    """An asset's amounts on the account: free to use, and locked in resting orders."""

    asset: str
    free: Decimal
    locked: Decimal
