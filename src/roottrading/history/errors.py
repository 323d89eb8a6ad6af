"""What keeps history from being fetched or kept, said so that a person can put it right."""


class HistoryError(Exception):
    """Candles cannot be fetched, taken in or kept; what was kept before stays. The text says what to do."""


class PartError(HistoryError):
    """One part cannot be had, however often it is asked for - a file is wrong, a symbol unknown; others may well be."""
