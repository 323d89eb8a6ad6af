"""Tests of services as processes."""
