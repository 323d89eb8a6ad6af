"""Tests of the signal aggregator."""
