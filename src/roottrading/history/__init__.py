"""History: past candles from Binance's archive, its REST or a user's files, kept in a catalog of Parquet files."""

from roottrading.history.catalog import Series, writing_into
from roottrading.history.errors import HistoryError, PartError

__all__ = ["HistoryError", "PartError", "Series", "writing_into"]
