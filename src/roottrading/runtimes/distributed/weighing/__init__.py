"""Weights that are learned once a day from what the database keeps."""
