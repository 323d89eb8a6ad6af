"""Tapes: recorded candles and instruments, read exactly from archive files, Parquet and exchangeInfo."""
