"""Tests of strategies, indicators and the catalog."""
