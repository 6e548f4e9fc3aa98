"""Quiet hours: when what rings must wait until morning (design §4)."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

BEGIN, END = time(22, 0), time(7, 0)


def quiet_until(now: datetime, zone: str) -> datetime | None:
    """The end of the quiet hours in this time zone, or None outside them."""
    local = now.astimezone(ZoneInfo(zone))
    if END <= local.time() < BEGIN:
        return None
    morning = local.date() + timedelta(days=1 if local.time() >= BEGIN else 0)
    return datetime.combine(morning, END, tzinfo=ZoneInfo(zone)).astimezone(now.tzinfo)
