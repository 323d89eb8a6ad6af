"""Who comes first where entries compete at one T (trading-rules 3.6)."""

from decimal import Decimal
from zlib import crc32

from roottrading.services.coordinator.state import Candidate


def rank(candidates: list[Candidate]) -> list[Candidate]:
    """Sort by strength, then the previous UTC day's quote volume, then crc32("T/symbol"): never by arrival."""
    return sorted(candidates, key=_place) if len(candidates) > 1 else candidates


def _place(candidate: Candidate) -> tuple[Decimal, Decimal, int, str]:
    tie = crc32(f"{candidate.at}/{candidate.symbol}".encode())
    return -candidate.value, -candidate.day_quote_volume, tie, candidate.symbol
