"""Durations as people write them in settings: `20s`, `10m`, `1h`, `3d`."""

from __future__ import annotations

import re
from datetime import timedelta

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_PATTERN = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([smhd])\s*")


def parse_duration(text: str) -> timedelta:
    """Read `20s`, `1.5h` or `3d`. Raises ValueError with an example if it is none."""
    match = _PATTERN.fullmatch(text)
    if not match:
        raise ValueError(f"{text!r} is not a duration; write for example 20s, 10m, 1h or 3d")
    return timedelta(seconds=float(match[1]) * _UNITS[match[2]])


def format_duration(value: timedelta) -> str:
    """The shortest form that `parse_duration` reads back to the same value."""
    seconds = value.total_seconds()
    for unit in "dhm":
        if seconds and seconds % _UNITS[unit] == 0:
            return f"{_plain(seconds / _UNITS[unit])}{unit}"
    return f"{_plain(seconds)}s"


def _plain(number: float) -> str:
    """Without exponent, and exact to the microsecond that a timedelta holds."""
    return f"{number:.6f}".rstrip("0").rstrip(".")
