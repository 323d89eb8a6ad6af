"""The doctor: one finding for everything that a run needs - machine, settings, secrets, and the exchange."""
