"""Tests of weights that services learn."""
