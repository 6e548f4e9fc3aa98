"""Atom (RFC 4287), JSON Feed 1.1 (https://www.jsonfeed.org/version/1.1/) and the sitemap
(https://www.sitemaps.org/protocol.html), all as read in November 2026.
"""

from __future__ import annotations

import html
import json
from datetime import UTC, datetime
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring  # we only write

from fallback_cast.channels.kit import markup, wording
from fallback_cast.channels.site.manifest import FEED_LENGTH, Manifest, Record
from fallback_cast.channels.site.settings import Site
from fallback_cast.model.texts import translate

ATOM = "http://www.w3.org/2005/Atom"
SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"
MAX_SITEMAP = 50_000


def timestamp(moment: datetime) -> str:
    """RFC 3339 in UTC, to the second."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def feed_title(site: Site) -> str:
    return translate(site.club.language, "Announcements of {club}").format(club=site.club.name)


def content_html(record: Record, site: Site) -> str:
    """The text and its facts: many readers of a feed never open the page."""
    announcement = record.announcement
    rows = "".join(
        f"<li>{html.escape(fact.label)}: {html.escape(fact.value)}</li>"
        for fact in wording.facts(announcement, site.club, None)
    )
    return f"{markup.to_html(announcement.body)}<ul>{rows}</ul>"


def atom(manifest: Manifest, site: Site, now: datetime) -> bytes:
    feed = Element("feed", {"xmlns": ATOM, "xml:lang": site.club.language})
    _text(feed, "id", manifest.feed_id.urn)
    _text(feed, "title", feed_title(site))
    _text(feed, "updated", timestamp(max((r.updated_at for r in manifest.records), default=now)))
    _text(SubElement(feed, "author"), "name", site.club.name)
    _text(feed, "generator", "fallback-cast")
    if site.url:
        SubElement(feed, "link", rel="self", type="application/atom+xml", href=f"{site.url}atom.xml")
    SubElement(feed, "link", rel="alternate", type="text/html", href=site.url or "index.html")
    for record in manifest.records[:FEED_LENGTH]:
        _atom_entry(feed, record, manifest, site)
    return _document(feed)


def _atom_entry(feed: Element, record: Record, manifest: Manifest, site: Site) -> None:
    announcement = record.announcement
    entry = SubElement(feed, "entry", {"xml:lang": announcement.language})
    _text(entry, "id", manifest.entry_id(record))
    _text(entry, "title", wording.headline(announcement))
    _text(entry, "published", timestamp(record.published_at))
    _text(entry, "updated", timestamp(record.updated_at))
    SubElement(
        entry, "link", rel="alternate", type="text/html", href=site.address(record.page) or record.page
    )
    SubElement(entry, "category", term=announcement.importance.value)
    _text(entry, "summary", record.summary)
    _text(entry, "content", content_html(record, site), type="html")


def _document(root: Element) -> bytes:
    content: bytes = tostring(root, encoding="utf-8")
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + content


def _text(parent: Element, tag: str, text: str, **attributes: str) -> None:
    SubElement(parent, tag, attributes).text = text


def json_feed(manifest: Manifest, site: Site) -> bytes:
    feed: dict[str, Any] = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed_title(site),
        "language": site.club.language,
        "authors": [{"name": site.club.name}],
        "items": [_json_item(record, manifest, site) for record in manifest.records[:FEED_LENGTH]],
    }
    if site.url:
        feed |= {"home_page_url": site.url, "feed_url": f"{site.url}feed.json"}
    return json.dumps(feed, ensure_ascii=False, indent=1).encode()


def _json_item(record: Record, manifest: Manifest, site: Site) -> dict[str, Any]:
    announcement = record.announcement
    item: dict[str, Any] = {
        "id": manifest.entry_id(record),
        "title": wording.headline(announcement),
        "content_html": content_html(record, site),
        "summary": record.summary,
        "date_published": timestamp(record.published_at),
        "date_modified": timestamp(record.updated_at),
        "language": announcement.language,
        "tags": [announcement.importance.value],
        # Extensions begin with an underscore; our own programs and apps read facts from here.
        "_fallback_cast": {
            "id": announcement.id,
            "revision": announcement.revision,
            "code": announcement.code,
            "cancelled": announcement.cancelled,
            "test": announcement.test,
            "expires_at": timestamp(announcement.expires_at),
            "event_at": announcement.event_at and timestamp(announcement.event_at),
            "place": announcement.place,
        },
    }
    if address := site.address(record.page):
        item["url"] = address
    return item


def sitemap(manifest: Manifest, url: str) -> bytes:
    root = Element("urlset", {"xmlns": SITEMAP})
    newest = max((r.updated_at for r in manifest.records), default=None)
    _location(root, url, newest)
    for record in manifest.records[: MAX_SITEMAP - 1]:
        if not record.announcement.test:
            _location(root, url + record.page, record.updated_at)
    return _document(root)


def _location(root: Element, url: str, modified: datetime | None) -> None:
    location = SubElement(root, "url")
    _text(location, "loc", url)
    if modified:
        _text(location, "lastmod", timestamp(modified))
