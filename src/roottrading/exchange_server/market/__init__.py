"""The public market of the exchange server: where it comes from, what clients see of it, and how it fills orders."""
