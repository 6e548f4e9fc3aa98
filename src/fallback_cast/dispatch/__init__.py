"""Announce, render, attempt, record."""
