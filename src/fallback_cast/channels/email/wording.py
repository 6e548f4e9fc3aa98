"""The announcement as a mail: subject, plain text and HTML, in the announcement's language."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from fallback_cast.channels.kit import markup, wording
from fallback_cast.model.announcement import Announcement, Club
from fallback_cast.model.texts import translate


@dataclass(frozen=True, slots=True)
class Row:
    """One fact under the text; `href` where it leads somewhere."""

    label: str
    value: str
    href: str | None


@lru_cache(maxsize=1)
def _template() -> Template:
    loader = PackageLoader("fallback_cast.channels.email", "")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined).get_template(
        "message.html.j2"
    )


def to_text(announcement: Announcement, club: Club, page_url: str | None, unsubscribe: str | None) -> str:
    """What a reader without HTML sees; the subject is not repeated."""
    language = announcement.language
    line = translate(language, "{label}: {value}")
    facts = [
        line.format(label=fact.label, value=fact.value)
        for fact in wording.facts(announcement, club, page_url)
    ]
    parts = [markup.to_plain(announcement.body), "\n".join(facts), f"-- \n{club.name}"]
    if unsubscribe:
        parts[-1] += "\n" + _farewell(language, unsubscribe)
    return "\n\n".join(part for part in parts if part) + "\n"


def to_html(announcement: Announcement, club: Club, page_url: str | None, unsubscribe: str | None) -> str:
    """A page that needs no pictures, no network and no wide screen, and follows a dark mode."""
    facts = wording.facts(announcement, club, page_url)
    return _template().render(
        language=announcement.language,
        club=club.name,
        headline=wording.headline(announcement),
        body=Markup(markup.to_html(announcement.body)),  # noqa: S704  escaped by its writer
        rows=[Row(fact.label, fact.value, _href(fact)) for fact in facts],
        farewell=_farewell(announcement.language, unsubscribe) if unsubscribe else "",
    )


def _farewell(language: str, address: str) -> str:
    return translate(language, "To receive no more of these messages, write to {address}.").format(
        address=address
    )


def _href(fact: wording.Fact) -> str | None:
    if fact.kind not in ("link", "page"):
        return None
    try:
        scheme = urlsplit(fact.value).scheme.lower()
    except ValueError:
        return None
    return fact.value if scheme in ("http", "https") else None
