"""Fixtures for tests of Lback applications."""
