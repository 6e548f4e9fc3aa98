"""The post of an announcement: its short name, its title and HTML, and the marker by which it is known again.

WordPress runs a text through filters of its own. A block of custom HTML keeps it from making paragraphs;
square brackets (short codes) and bare addresses (embedded pages) are written so that they stay text.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

from fallback_cast.channels.kit import markup, wording
from fallback_cast.model.announcement import Announcement, Club
from fallback_cast.model.document import ALLOWED_SCHEMES
from fallback_cast.model.message import Message
from fallback_cast.model.texts import LANGUAGES, translate

_ID = re.compile(r"[0-9a-z][0-9a-z-]{0,63}")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class PostMessage(Message):
    """What goes into the post. `title` and `content` are HTML, escaped."""

    id: str  # of the announcement
    revision: int
    title: str
    content: str

    @property
    def slug(self) -> str:
        """The post's short name: the same for all revisions, so that a look-up finds it."""
        return f"fc-{self.id}"


def compose(announcement: Announcement, club: Club) -> PostMessage:
    """Purely. Raises ValueError if the announcement's id cannot be a short name."""
    if not _ID.fullmatch(announcement.id):
        raise ValueError("the id of the announcement cannot name a post")
    headline = wording.headline(announcement)
    facts = wording.facts(announcement, club, None)
    label = translate(announcement.language, "{label}: {value}")
    rows = "\n".join(label.format(label=fact.label, value=fact.value) for fact in facts)
    text = "\n\n".join(part for part in (headline, markup.to_plain(announcement.body), rows) if part)
    return PostMessage(
        text=_writable(text),
        id=announcement.id,
        revision=announcement.revision,
        title=_plain(html.escape(_writable(headline), quote=False)),
        content=_content(announcement, facts),
    )


def revision_in(content: bytes, id: str) -> int | None:
    """Which revision of the announcement a page or post shows; None: not this announcement."""
    marker = rb"""data-fallback-cast=["']?""" + re.escape(id.encode()) + rb"""\.(\d{1,9})(?!\d)"""
    found = re.search(marker, content)
    return int(found[1]) if found else None


def _content(announcement: Announcement, facts: list[wording.Fact]) -> str:
    language = announcement.language if announcement.language in LANGUAGES else "en"
    marker = f"{announcement.id}.{announcement.revision}"
    # Attributes: comments and <meta> do not survive every theme and every role.
    opening = f'<div lang="{language}" data-fallback-cast="{marker}">'
    body = _writable(markup.to_html(announcement.body))
    rows = "<br>\n".join(_row(fact, announcement.language) for fact in facts)
    inner = _plain(f"{body}<p>{rows}</p>\n" if rows else body)
    return f"<!-- wp:html -->\n{opening}\n{inner}</div>\n<!-- /wp:html -->"


def _row(fact: wording.Fact, language: str) -> str:
    value = html.escape(_writable(fact.value))
    if fact.kind == "link" and fact.value.split(":", 1)[0].lower() in ALLOWED_SCHEMES:
        value = f'<a href="{value}">{value}</a>'
    label = translate(language, "{label}: {value}").format(label=html.escape(fact.label), value="").rstrip()
    return f"<strong>{label}</strong> {value}"


def _plain(markup_text: str) -> str:
    """No short code, and no address that WordPress would fetch and embed; readers see no difference."""
    parts = re.split(r"(<[^>]*>)", markup_text)
    parts[::2] = [part.replace("://", "&#58;//") for part in parts[::2]]  # outside the tags
    return "".join(parts).replace("[", "&#91;").replace("]", "&#93;")


def _writable(text: str) -> str:
    """Without what HTML and the database cannot hold."""
    return _CONTROL.sub("", text)
