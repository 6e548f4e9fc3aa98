"""Pacing as arithmetic: when may the next message go (generic cell rate algorithm, ITU-T I.371).

One moment per pace is the whole state, so it fits into a row of the ledger and outlives the process.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from fallback_cast.model.channel import Pace


def may_go_at(pace: Pace, next_at: datetime) -> datetime:
    """The first moment at which a message may go, with this state."""
    return next_at - timedelta(seconds=pace.interval) * (pace.burst - 1)


def reserve(pace: Pace, next_at: datetime | None, now: datetime) -> tuple[datetime, datetime]:
    """Take one place in the queue: (when this message may go, the new state)."""
    interval = timedelta(seconds=pace.interval)
    arrival = max(next_at, now) if next_at is not None else now
    go_at = max(now, arrival - interval * (pace.burst - 1))
    return go_at, arrival + interval


def last_goes_at(pace: Pace, next_at: datetime | None, now: datetime, count: int) -> datetime:
    """When the last of so many messages goes, if nobody else sends: what `reserve` would say, at once."""
    if count < 1:
        return now
    arrival = max(next_at, now) if next_at is not None else now
    return max(now, arrival + timedelta(seconds=pace.interval) * (count - pace.burst))
