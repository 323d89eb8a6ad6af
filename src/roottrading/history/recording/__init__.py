"""Recording: the market's streams into a file, frame by frame as they came."""
