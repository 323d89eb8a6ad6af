"""Questions asked of many runs: walk-forward, sweeps."""
