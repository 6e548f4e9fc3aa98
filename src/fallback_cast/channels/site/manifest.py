"""What stands on the site: the record of every page, from which index and feeds can be rebuilt.

It lies beside the pages and a web server may show it: it holds only what the pages hold.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from textwrap import shorten
from typing import Annotated, Literal
from uuid import UUID, uuid4, uuid5

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_serializer, field_validator

from fallback_cast.channels.kit import markup
from fallback_cast.model.announcement import Announcement, Importance

FEED_LENGTH = 20
SUMMARY_LENGTH = 200
SHORT_BLOCK = 40
SHARED_FILES = ("index.html", "banner.html", "atom.xml", "feed.json", "sitemap.xml")

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
# Neither XML 1.0 (§2.2) nor HTML can hold these; half surrogates cannot be written at all.
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")


def page_name(announcement_id: str) -> str:
    """The file of an announcement, from its id alone. Raises ValueError if that is no safe file name."""
    name = f"{announcement_id}.html"
    if not _ID.fullmatch(announcement_id) or name.casefold() in SHARED_FILES:
        raise ValueError("the id is no safe file name")
    return name


def _own_name(name: str) -> str:
    """A file may be ours only under a name that we would choose, whatever a manifest says."""
    return name if name in SHARED_FILES else page_name(name.removesuffix(".html"))


def writable(text: str) -> str:
    """The text without the characters that no page and no feed can hold."""
    return _UNWRITABLE.sub("\ufffd", text)


def cleaned(announcement: Announcement) -> Announcement:
    """The announcement with texts that can be written; Windows and old Mac line ends become \\n."""
    body = announcement.body.replace("\r\n", "\n").replace("\r", "\n")
    return replace(
        announcement,
        title=writable(announcement.title),
        body=writable(body),
        place=announcement.place and writable(announcement.place),
        link=announcement.link and writable(announcement.link),
    )


class Record(BaseModel):
    """One announcement as it stands on the site; times are aware and in UTC."""

    model_config = ConfigDict(frozen=True)

    announcement: Announcement
    published_at: datetime
    updated_at: datetime
    previous_event_at: datetime | None = None
    summary: str = ""

    @field_validator("announcement")
    @classmethod
    def _safe_name(cls, announcement: Announcement) -> Announcement:
        page_name(announcement.id)
        return announcement

    @property
    def page(self) -> str:
        return page_name(self.announcement.id)

    def outranks(self, announcement: Announcement) -> bool:
        """A higher revision stays; so does a cancellation against a late try of what it cancelled."""
        mine = self.announcement
        return (mine.revision, mine.cancelled) > (announcement.revision, announcement.cancelled)

    def current(self, now: datetime) -> bool:
        return now < self.announcement.expires_at

    def pressing(self, now: datetime) -> bool:
        """Urgent and still true: on top of the index and in the banner."""
        mine = self.announcement
        return (
            self.current(now) and mine.importance is Importance.URGENT and not (mine.cancelled or mine.test)
        )


def record_of(announcement: Announcement, standing: Record | None, now: datetime) -> Record:
    """The record of an announcement about to be written over `standing`; unchanged texts keep their times."""
    clean = cleaned(announcement)
    summary = summary_of(clean.body)
    if standing is None:
        return Record(announcement=clean, published_at=now, updated_at=now, summary=summary)
    same = standing.announcement in (clean, replace(clean, body="")) and standing.summary == summary
    before = standing.announcement.event_at
    moved = before if before and clean.event_at and before != clean.event_at else standing.previous_event_at
    return Record(
        announcement=clean,
        published_at=standing.published_at,
        updated_at=standing.updated_at if same else now,
        previous_event_at=moved,
        summary=summary,
    )


def summary_of(body: str) -> str:
    """The first words, for lists and previews: one block, or two if the first is but a greeting."""
    first, _, rest = writable(markup.to_plain(body)).partition("\n\n")
    second = rest.partition("\n\n")[0]
    words = f"{first} {second}" if len(first) < SHORT_BLOCK else first
    return shorten(words, SUMMARY_LENGTH, placeholder=" …")


class Manifest(BaseModel):
    """Our own files in the folder, and the announcements, newest first."""

    model_config = ConfigDict(frozen=True)

    version: Literal[1] = 1
    feed_id: UUID = Field(default_factory=uuid4)
    files: frozenset[Annotated[str, AfterValidator(_own_name)]] = frozenset()
    records: tuple[Record, ...] = ()
    built_at: datetime | None = None  # what the index and the banner show as current was so then

    @field_serializer("files")
    def _in_order(self, files: frozenset[str]) -> list[str]:
        return sorted(files)

    def find(self, announcement_id: str) -> Record | None:
        return next((r for r in self.records if r.announcement.id == announcement_id), None)

    def entry_id(self, record: Record) -> str:
        """A name for feeds that never changes, even if the site moves (RFC 4287 §4.2.6)."""
        return uuid5(self.feed_id, record.announcement.id).urn

    def claiming(self, *names: str) -> Manifest:
        return self.model_copy(update={"files": self.files | set(names)})

    def built(self, now: datetime) -> Manifest:
        """As index and banner are written now; the same manifest if they would show the same."""
        if self.built_at and not self.outlived(now):
            return self
        return self.model_copy(update={"built_at": now})

    def outlived(self, now: datetime) -> bool:
        """Something that the index and the banner show as current has expired."""
        since = self.built_at
        return any(not r.current(now) and (since is None or r.current(since)) for r in self.records)

    def lacking(self, others: Sequence[Record]) -> list[Record]:
        """Which of these are not here yet, or only in an older revision."""
        mine = {record.announcement.id: record for record in self.records}
        found = []
        for other in others:
            standing = mine.get(other.announcement.id)
            if standing is None or other.outranks(standing.announcement):
                found.append(other)
        return found

    def including(self, record: Record) -> Manifest:
        """With this record in its place. Those too old for the feeds keep their summary, not their text."""
        others = [r for r in self.records if r.announcement.id != record.announcement.id]
        ordered = sorted([*others, record], key=lambda r: (r.published_at, r.announcement.id), reverse=True)
        kept = (*ordered[:FEED_LENGTH], *(_without_text(r) for r in ordered[FEED_LENGTH:]))
        return self.model_copy(update={"records": kept})


def merged(manifests: Iterable[Manifest]) -> list[Record]:
    """The latest of each announcement, with its text if any copy still has it; the newest first."""
    best: dict[str, Record] = {}
    for record in (record for manifest in manifests for record in manifest.records):
        mine = record.announcement
        standing = best.get(mine.id)
        if (
            standing is None
            or record.outranks(standing.announcement)
            or (mine.body and not standing.announcement.body and not standing.outranks(mine))
        ):
            best[mine.id] = record
    return sorted(best.values(), key=lambda r: (r.published_at, r.announcement.id), reverse=True)


def _without_text(record: Record) -> Record:
    return record.model_copy(update={"announcement": replace(record.announcement, body="")})
