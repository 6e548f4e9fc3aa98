"""Puts settings, channels, ledger and dispatch together."""
