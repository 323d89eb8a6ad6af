"""Tests of a person's commands to services."""
