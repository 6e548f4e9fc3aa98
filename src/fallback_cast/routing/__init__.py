"""Decisions: which route, what next, when again. Pure."""
