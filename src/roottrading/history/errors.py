"""What keeps history from being fetched or kept, said so that a person can put it right."""


class HistoryError(Exception):
    """Candles cannot be fetched, taken in or kept; what was kept before stays. The text says what to do."""


class BadFileError(HistoryError):
    """One file of the archive cannot be used, however often it is fetched; others may well be."""
