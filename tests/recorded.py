"""Where recorded market data lies: samples in this repository, and whole years in a folder beside it."""

from pathlib import Path

import pytest

SAMPLES = Path(__file__).parent / "data" / "candles"
SHARED = Path(__file__).parents[2] / "shared" / "data"


def shared_data(*parts: str) -> Path:
    """Return a path in the folder of recorded data beside the repository; skips the test where it is absent."""
    path = SHARED.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"needs recorded market data at {path}")
    return path
