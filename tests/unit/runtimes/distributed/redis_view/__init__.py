"""Tests of what Redis shows."""
