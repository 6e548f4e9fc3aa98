"""What the organiser wants known."""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from fallback_cast.model.texts import Phrase

MAX_TITLE = 200
MAX_BODY_BYTES = 1_000_000


class Importance(StrEnum):
    INFO = "info"
    NORMAL = "normal"
    URGENT = "urgent"

    @property
    def rank(self) -> int:
        """0 goes first: urgent overtakes normal, normal overtakes info."""
        return {"urgent": 0, "normal": 1, "info": 2}[self.value]


@dataclass(frozen=True, slots=True)
class Club:
    """Who speaks: shown on every channel."""

    name: str
    language: str = "fr"
    timezone: str = "Europe/Paris"
    site_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """One announcement as stored; `body` is Markdown, all times are aware and in UTC."""

    id: str
    code: str
    title: str
    body: str
    importance: Importance
    created_at: datetime
    expires_at: datetime
    language: str = "fr"
    revision: int = 1
    link: str | None = None
    event_at: datetime | None = None
    place: str | None = None
    private: bool = False
    test: bool = False
    cancelled: bool = False
    corrects: bool = True  # its readers may know an earlier revision; False: this is the first they see

    @property
    def content_hash(self) -> str:
        """Names the content: the same title, text and facts give the same hash."""
        facts = (self.title, self.body, self.link or "", str(self.event_at or ""), self.place or "")
        return hashlib.sha256("\x1f".join(facts).encode()).hexdigest()


def clean_title(text: str) -> str:
    """One line without control or bidi characters (design §7); spaces folded.

    Raises ValueError if nothing is left or it is longer than MAX_TITLE characters.
    """
    spaced = "".join(" " if c in "\r\n\t\u2028\u2029\x0b\x0c\x85" else c for c in text)
    kept = "".join(c for c in spaced if unicodedata.category(c) not in ("Cc", "Cf", "Cs") or c == "\u200d")
    title = " ".join(unicodedata.normalize("NFC", kept).split())
    if not title:
        raise ValueError("the title is empty")
    if len(title) > MAX_TITLE:
        raise ValueError(
            Phrase(
                "the title has {count} characters; at most {limit} are allowed",
                count=len(title),
                limit=MAX_TITLE,
            )
        )
    return title
