"""Write what another library says of the strategies' sample candles: `python -m tools.make_strategy_references`.

Needs pandas-ta-classic (0.8.32 was used), which computes here with pandas alone, not with TA-Lib. Tests compare our
indicators and strategies with the file; they do not need the library.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pandas_ta_classic as other

FOLDER = Path(__file__).parents[1] / "tests" / "data" / "strategies"
KEPT = 400  # rows at the end: there every average has forgotten how it was begun


def references(candles: Any) -> dict[str, Any]:
    """Return the indicators by name."""
    high, low, close, volume = candles.high, candles.low, candles.close, candles.volume
    plain: dict[str, Any] = {"talib": False}
    known: dict[str, Any] = {f"ema_{n}": other.ema(close, length=n, **plain) for n in (12, 20, 26)}
    known |= {f"sma_{n}": other.sma(close, length=n, **plain) for n in (20, 50)}
    known |= {f"atr_{n}": other.atr(high, low, close, length=n, **plain) for n in (10, 14, 20)}
    known |= {f"tema_{n}": other.tema(close, length=n, **plain) for n in (9, 21)}
    known |= {f"deviation_{n}": other.stdev(close, length=n, ddof=0, **plain) for n in (20, 100)}
    known["wma_20"] = other.wma(close, length=20, **plain)
    known["hull_55"] = other.hma(close, length=55)
    known["rsi_14"] = other.rsi(close, length=14, **plain)
    known["williams_14"] = other.willr(high, low, close, length=14, **plain)
    known["cci_20"] = other.cci(high, low, close, length=20, **plain)
    known["mfi_14"] = other.mfi(high, low, close, volume, length=14, **plain)
    known["money_flow_20"] = other.cmf(high, low, close, volume, length=20)
    known["obv"] = other.obv(close, volume, **plain)
    known["roc_24"] = other.roc(close, length=24, **plain)
    tables = {
        ("stochastic_k", "stochastic_d"): other.stoch(high, low, close, k=14, d=3, smooth_k=3, **plain),
        ("adx", "plus", "minus"): other.adx(high, low, close, length=14, **plain),
        ("macd_line", "macd_histogram", "macd_signal"): other.macd(close, 12, 26, 9, **plain),
        ("ppo_line", "ppo_histogram", "ppo_signal"): other.ppo(close, 12, 26, 9, mamode="ema", **plain),
        ("trix_line", "trix_signal"): other.trix(close, length=15, signal=9, **plain),
        ("aroon_down", "aroon_up", "aroon_oscillator"): other.aroon(high, low, length=25, **plain),
        ("span_a", "span_b", "turning", "base"): other.ichimoku(high, low, close, 9, 26, 52, include_chikou=False)[0],
    }
    for names, table in tables.items():
        for name, column in zip(names, table.columns, strict=True):
            known[name] = table[column]
    return known


def main() -> None:
    """Write `references.npz`."""
    candles = pd.read_csv(FOLDER / "BTCUSDT-5m.csv.gz")
    columns = {name: np.asarray(column, dtype=np.float64)[-KEPT:] for name, column in references(candles).items()}
    np.savez_compressed(FOLDER / "references.npz", allow_pickle=False, **columns)


if __name__ == "__main__":
    main()
