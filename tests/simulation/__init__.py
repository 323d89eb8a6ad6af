"""The simulation: the seven services over carriers that lose, duplicate and reorder, and processes that die.

A fourth loop over the same `step` (consistency-rules 7): a seeded scheduler picks what happens next; at the end of a
tape the trades must be those of an undisturbed run.
"""
