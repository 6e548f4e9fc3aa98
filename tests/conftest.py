"""Fixtures for all tests: the real servers of tests/counterparts, started once and only if used."""

pytest_plugins = ["tests.counterparts.fixtures"]
