"""HTML of the site: pages, index and banner. Jinja2 escapes everything that is not marked as ours."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from fallback_cast.channels.kit import markup, wording
from fallback_cast.channels.site.feeds import feed_title, timestamp
from fallback_cast.channels.site.manifest import Manifest, Record
from fallback_cast.channels.site.settings import Site
from fallback_cast.channels.site.structured import structured_data
from fallback_cast.model.announcement import Announcement, Importance
from fallback_cast.model.document import ALLOWED_SCHEMES
from fallback_cast.model.texts import LANGUAGES, translate

_LOOSE = re.compile(r" [:;!?»](?=\s|$)|« |\d h \d")


@dataclass(frozen=True, slots=True)
class Row:
    """One labelled fact, with the address or the machine-readable time behind it."""

    kind: str  # when | before | where | link
    label: str
    value: str
    href: str | None = None
    iso: str | None = None


class Pages:
    """Writes every page of one site; the same record gives the same bytes."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._templates = Environment(
            loader=PackageLoader("fallback_cast.channels.site"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        self._templates.filters["together"] = together
        style = self._templates.get_template("style.css").render(colour=site.colour)
        self._shared = {"site": site, "style": Markup(style), "policy": content_policy(style)}  # noqa: S704

    def page(self, record: Record) -> str:
        """The page of one announcement, in its own language."""
        announcement = record.announcement
        view = self._entry(record) | {
            "body": Markup(raised(markup.to_html(announcement.body))),  # noqa: S704  escaped by the kit
            "headline": wording.headline(announcement),
            "facts": self._facts(record),
            "structured": structured_data(record, self._site),
            "canonical": self._site.address(record.page),
            "corrected": is_correction(announcement),
        }
        return self._render("page.html", announcement.language, view)

    def index(self, manifest: Manifest, now: datetime) -> str:
        """Urgent ones on top, then the other current ones, then the archive; newest first in each."""
        listed = manifest.records[: self._site.keep]
        pressing = [r for r in manifest.records if r.pressing(now)]
        recent = [r for r in listed if r.current(now) and not r.pressing(now)]
        archive = [r for r in listed if not r.current(now)]
        view = {
            "title": feed_title(self._site),
            "canonical": self._site.url,
            "groups": [
                ("urgent", "Urgent", [self._entry(r) for r in pressing]),
                ("recent", "Current", [self._entry(r) for r in recent]),
                ("archive", "Past", [self._entry(r) for r in archive]),
            ],
        }
        return self._render("index.html", self._site.club.language, view)

    def banner(self, manifest: Manifest, now: datetime) -> str:
        """A snippet for other pages: the current urgent announcements, or only a comment."""
        entries = [self._entry(r) for r in manifest.records if r.pressing(now)]
        return self._render("banner.html", self._site.club.language, {"entries": entries})

    def _render(self, template: str, language: str, view: Mapping[str, Any]) -> str:
        return self._templates.get_template(template).render(
            self._shared, language=language, t=partial(translate, language), **view
        )

    def _entry(self, record: Record) -> dict[str, Any]:
        announcement = record.announcement
        language = announcement.language
        published = self._moment(record.published_at, language)
        return {
            "record": record,
            "announcement": announcement,
            "lang": announcement.language if announcement.language in LANGUAGES else "en",
            "marks": marks(announcement),
            "published": published,
            "published_on": translate(language, "Published on {when}").format(when=published["words"]),
            "updated": self._moment(record.updated_at, language),
            "expires": self._moment(announcement.expires_at, language),
            "when": translate(language, "When:"),
            "event": announcement.event_at and self._moment(announcement.event_at, language),
            "address": self._site.address(record.page),
        }

    def _moment(self, moment: datetime, language: str) -> dict[str, str]:
        return {
            "iso": timestamp(moment),
            "words": together(wording.format_when(moment, self._site.club, language)),
        }

    def _facts(self, record: Record) -> list[Row]:
        """What, when, where, more; the code has its own place on the page."""
        announcement = record.announcement
        rows = []
        for fact in wording.facts(announcement, self._site.club, None):
            if fact.kind == "when" and announcement.event_at:
                rows.append(
                    Row(fact.kind, fact.label, together(fact.value), iso=timestamp(announcement.event_at))
                )
                rows += self._before(record)
            elif fact.kind != "code":
                href = safe_link(fact.value) if fact.kind == "link" else None
                rows.append(Row(fact.kind, fact.label, fact.value, href=href))
        return rows

    def _before(self, record: Record) -> list[Row]:
        if record.previous_event_at is None:
            return []
        language = record.announcement.language
        moment = self._moment(record.previous_event_at, language)
        return [Row("before", translate(language, "Before"), moment["words"], iso=moment["iso"])]


def is_correction(announcement: Announcement) -> bool:
    """Some reader may remember another text; a cancellation is a mark of its own."""
    return announcement.revision > 1 and announcement.corrects and not announcement.cancelled


def raised(body: str) -> str:
    """Headings from level 3 on, without a gap below the title: screen readers go by their levels."""
    used = sorted({int(level) for level in re.findall(r"<h([3-6])>", body)})
    for wanted, level in enumerate(used, 3):
        body = body.replace(f"<h{level}>", f"<h{wanted}>").replace(f"</h{level}>", f"</h{wanted}>")
    return body


def marks(announcement: Announcement) -> list[tuple[str, str]]:
    """(class, word) for each mark beside a title, the weightiest first."""
    found = [
        ("cancelled", "CANCELLED", announcement.cancelled),
        ("test", "TEST", announcement.test),
        ("urgent", "URGENT", announcement.importance is Importance.URGENT and not announcement.cancelled),
        ("correction", "CORRECTION", is_correction(announcement)),
    ]
    return [(kind, translate(announcement.language, word)) for kind, word, holds in found if holds]


def together(text: str) -> str:
    """French marks stay with their word, and hours with their minutes, where a line breaks."""
    return _LOOSE.sub(lambda found: found[0].replace(" ", "\u00a0"), text)


def safe_link(target: str) -> str | None:
    """The target if a browser may follow it, else None: then it is shown as text."""
    try:
        return target if urlsplit(target.strip()).scheme.lower() in ALLOWED_SCHEMES else None
    except ValueError:
        return None


def content_policy(style: str) -> str:
    """Nothing may run or load but our own style, named by its hash (https://www.w3.org/TR/CSP3/)."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    )
