"""Facts for search engines and assistants: schema.org as JSON-LD.

`SpecialAnnouncement` is no longer shown by Google (since 31 July 2025), so: Event when there is a date,
else NewsArticle. https://schema.org/EventStatusType, 2026-11.
"""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from fallback_cast.channels.site.feeds import timestamp
from fallback_cast.channels.site.manifest import Record
from fallback_cast.channels.site.settings import Site


def structured_data(record: Record, site: Site) -> dict[str, Any]:
    announcement = record.announcement
    data = _event(record, site) if announcement.event_at else _article(record, site)
    if address := site.address(record.page):
        data["url"] = address
    return {"@context": "https://schema.org", **data}


def _organisation(site: Site) -> dict[str, str]:
    organisation = {"@type": "Organization", "name": site.club.name}
    return organisation | ({"url": site.url} if site.url else {})


def _article(record: Record, site: Site) -> dict[str, Any]:
    announcement = record.announcement
    return {
        "@type": "NewsArticle",
        "headline": announcement.title,
        "description": record.summary,
        "inLanguage": announcement.language,
        "datePublished": timestamp(record.published_at),
        "dateModified": timestamp(record.updated_at),
        "author": _organisation(site),
        "publisher": _organisation(site),
    }


def _event(record: Record, site: Site) -> dict[str, Any]:
    announcement = record.announcement
    assert announcement.event_at
    zone = ZoneInfo(site.club.timezone)
    data: dict[str, Any] = {
        "@type": "Event",
        "name": announcement.title,
        "description": record.summary,
        "inLanguage": announcement.language,
        "startDate": announcement.event_at.astimezone(zone).isoformat(),
        "eventStatus": f"https://schema.org/{_event_status(record)}",
        "organizer": _organisation(site),
    }
    if record.previous_event_at:
        data["previousStartDate"] = record.previous_event_at.astimezone(zone).isoformat()
    if announcement.place:
        data["location"] = {"@type": "Place", "name": announcement.place, "address": announcement.place}
    return data


def _event_status(record: Record) -> str:
    if record.announcement.cancelled:
        return "EventCancelled"
    return "EventRescheduled" if record.previous_event_at else "EventScheduled"
