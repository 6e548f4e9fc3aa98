"""Moments as people type them: `2026-11-28 14:30`, `28/11/2026 14h30`, `14:30`, `2h`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from fallback_cast.model.duration import parse_duration
from fallback_cast.model.errors import UserError
from fallback_cast.model.texts import Phrase

_HOUR = re.compile(r"(?<!\d)(\d{1,2}) ?[hH:] ?(\d{2})$")
_DAY_FIRST = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})\b")


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
    stripped = _as_machines_write(stripped)
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
            Phrase("{text!r} is no moment", text=text.strip()),
            where=option,
            hint="write for example 2026-11-28 14:30, or 14:30, or 2h",
        ) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=local)).astimezone(UTC)


def _as_machines_write(text: str) -> str:
    """`28/11/2026 à 9h30` as `2026-11-28 09:30`. Here the day stands before the month."""
    text = _HOUR.sub(lambda found: f"{int(found[1]):02}:{found[2]}", text)
    text = _DAY_FIRST.sub(lambda found: f"{found[3]}-{int(found[2]):02}-{int(found[1]):02}", text)
    return re.sub(r"(?<=\d),? +(?:à|at) +(?=\d)", " ", text)
