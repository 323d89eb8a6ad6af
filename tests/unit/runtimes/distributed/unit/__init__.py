"""Tests of one unit in a process."""
