"""Bounds of a setting: what values are allowed, and what it means; written in `Annotated` beside the type.

    risk: Annotated[Decimal, Bounds(ge=0, le=1, description="share of equity at risk in a cycle")] = Decimal("0.005")

They hold for Decimal too, which msgspec's own `Meta` does not bound; configuration checks them and shows them.
"""

from decimal import Decimal

from msgspec import Struct

Number = int | str | Decimal  # a str is a decimal number, exact


class Bounds(Struct, frozen=True):
    """The allowed range of a number (or of the length of a list), and a description with its unit."""

    ge: Number | None = None
    gt: Number | None = None
    le: Number | None = None
    lt: Number | None = None
    description: str = ""

    def allows(self, value: Decimal | int) -> bool:
        """Say whether the number lies within."""
        return (
            (self.ge is None or value >= Decimal(self.ge))
            and (self.gt is None or value > Decimal(self.gt))
            and (self.le is None or value <= Decimal(self.le))
            and (self.lt is None or value < Decimal(self.lt))
        )

    @property
    def text(self) -> str:
        """The range in words: `at least 0 and at most 1`; empty where everything is allowed."""
        words = [
            (self.ge, "at least"),
            (self.gt, "above"),
            (self.le, "at most"),
            (self.lt, "below"),
        ]
        return " and ".join(f"{word} {bound}" for bound, word in words if bound is not None)
