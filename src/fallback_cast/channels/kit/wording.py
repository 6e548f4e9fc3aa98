"""The words around an announcement that every channel shares: marks, facts, code (French and English)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from fallback_cast.model.announcement import Announcement, Club, Importance
from fallback_cast.model.texts import translate


@dataclass(frozen=True, slots=True)
class Fact:
    """One labelled line under the text: when, where, link, page, code."""

    kind: str  # when | where | link | page | code
    label: str
    value: str


def format_when(moment: datetime, club: Club, language: str) -> str:
    """A date and time in the club's zone, as a reader of that language writes it."""
    from babel.dates import format_date, format_time

    local = moment.astimezone(ZoneInfo(club.timezone))
    day = format_date(local, format="full", locale=language)
    hour = (
        f"{local:%H} h {local:%M}"
        if language == "fr"
        else format_time(local, format="short", locale=language)
    )
    return translate(language, "{day} at {hour}").format(day=day, hour=hour)


def headline(announcement: Announcement) -> str:
    """The title with its mark: cancelled, correction, exercise, urgent."""
    language = announcement.language
    if announcement.cancelled:
        mark = translate(language, "CANCELLED")
    elif announcement.revision > 1 and announcement.corrects:
        mark = translate(language, "CORRECTION")
    elif announcement.test:
        mark = translate(language, "TEST")
    elif announcement.importance is Importance.URGENT:
        mark = translate(language, "URGENT")
    else:
        return announcement.title
    return f"[{mark}] {announcement.title}"


def facts(announcement: Announcement, club: Club, page_url: str | None) -> list[Fact]:
    """What stands under the text, in this order; what is not known is left out."""
    language = announcement.language
    rows = [
        ("when", "When", announcement.event_at and format_when(announcement.event_at, club, language)),
        ("where", "Where", announcement.place),
        ("link", "More", announcement.link),
        ("page", "On our site", page_url),
        ("code", "Code", announcement.code),
    ]
    return [Fact(kind, translate(language, label), value) for kind, label, value in rows if value]
