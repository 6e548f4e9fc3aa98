"""Moments as people type them: `2026-11-28 14:30`, `14:30`, `2h`."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from fallback_cast.model.duration import parse_duration
from fallback_cast.model.errors import UserError
from fallback_cast.model.texts import Phrase


def parse_moment(text: str, zone: str, now: datetime, option: str) -> datetime:
    """An aware moment in UTC. Without a zone it is in the club's; a bare time is the next such time.

    Raises UserError that names the option.
    """
    local = ZoneInfo(zone)
    stripped = text.strip()
    try:
        return now + parse_duration(stripped)
    except ValueError:
        pass
    try:
        clock = time.fromisoformat(stripped)
        today = datetime.combine(now.astimezone(local).date(), clock, tzinfo=local)
        return (today if today > now else today + timedelta(days=1)).astimezone(UTC)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(stripped)
    except ValueError:
        raise UserError(
            Phrase("{text!r} is no moment", text=stripped),
            where=option,
            hint="write for example 2026-11-28 14:30, or 14:30, or 2h",
        ) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=local)).astimezone(UTC)
