"""TA-Lib, imported lightly."""

import sys
from typing import Any


def _import_talib() -> Any:
    """Import TA-Lib without the data frames it would pull in where they are installed (450 ms of start-up)."""
    hidden = {name: sys.modules.get(name) for name in ("pandas", "polars")}
    for name, module in hidden.items():
        if module is None:
            sys.modules[name] = None  # type: ignore[assignment]
    try:
        import talib  # noqa: PLC0415
    finally:
        for name, module in hidden.items():
            if module is None:
                del sys.modules[name]
    return talib


talib = _import_talib()
