"""Revisions of the schema, hand-written SQL each, and the way from one to the next."""
