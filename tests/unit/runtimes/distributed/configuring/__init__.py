"""Tests of a configuration that changes while services trade."""
