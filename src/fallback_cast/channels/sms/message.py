"""From an announcement to a text of few parts: the body is shortened first, page link and code last."""

from __future__ import annotations

import bisect
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from fallback_cast.channels.kit import markup, wording
from fallback_cast.channels.sms.gsm import GSM7_SINGLE, Encoded, Encoding, Transliterate, encode, weigh
from fallback_cast.model.announcement import Announcement, Club, Importance
from fallback_cast.model.errors import MessageRefused
from fallback_cast.model.message import Message

# Three points and not "…": that one is missing in GSM-7 and would more than double the price.
CUT = "..."
_UNSHOWN = frozenset({"Cc", "Cf", "Cs"})
_BLANK_LINES = re.compile(r"\s*\n\s*")


@dataclass(frozen=True, slots=True)
class SmsMessage(Message):
    """A text ready to send; plans show `parts`, how many the same words take `parts_as_written`, without
    a plainer spelling, and `cost` (of one message, None if no price is known)."""

    encoding: Encoding
    parts: int
    parts_as_written: int
    cost: Decimal | None
    importance: Importance
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the settings allow: parts of one message, spelling, and the price of a part."""

    max_parts: int
    transliterate: Transliterate
    cost_per_part: Decimal | None = None


def compose(announcement: Announcement, club: Club, page_url: str | None, limits: Limits) -> SmsMessage:
    """The fullest text that fits into `max_parts`. Raises MessageRefused if not even the title fits."""
    written, encoded = _fit(announcement, club, page_url, limits)
    weight = weigh(written, limits.transliterate)
    cost = None if limits.cost_per_part is None else limits.cost_per_part * weight.parts
    return SmsMessage(
        encoded.text,
        weight.encoding,
        weight.parts,
        weight.parts_as_written,
        cost,
        announcement.importance,
        announcement.expires_at,
    )


def _fit(announcement: Announcement, club: Club, page_url: str | None, limits: Limits) -> tuple[str, Encoded]:
    """The text as written, and as it will be sent."""
    for text in _candidates(announcement, club, page_url, limits):
        encoded = encode(text, limits.transliterate)
        if len(encoded.parts) <= limits.max_parts:
            return text, encoded
    raise MessageRefused("the title alone is longer than the SMS parts that the settings allow")


def _candidates(
    announcement: Announcement, club: Club, page_url: str | None, limits: Limits
) -> Iterator[str]:
    """Texts from the fullest to the title alone."""
    head = wording.headline(announcement)
    body = _body(announcement.body, limits.max_parts)
    everything, *shorter = _tails(announcement, club, page_url)
    yield _join(head, body, *everything)
    if body:
        yield _join(head, body, *shorter[0])
        if cut := _cut_body(head, body, shorter[0], limits):
            yield cut
    for tail in shorter:
        yield _join(head, *tail)


def _tails(announcement: Announcement, club: Club, page_url: str | None) -> list[list[str]]:
    """Lines under the text, fewer each time. Links stand bare: a label costs as much as ten words."""
    lines = {
        fact.kind: value if fact.kind in ("link", "page") else f"{fact.label}: {value}"
        for fact in wording.facts(announcement, club, page_url)
        if (value := _readable(fact.value).replace("\n", " "))
    }
    # The page says what the link says; without a page the link is all a reader has.
    more = "page" if "page" in lines else "link"
    kept = (
        ("when", "where", "link", "page", "code"),
        ("when", "where", more, "code"),
        (more, "code"),
        ("code",),
        (),
    )
    return [[lines[kind] for kind in kinds if kind in lines] for kinds in kept]


def _body(markdown: str, max_parts: int) -> str:
    """The plain text without blank lines and controls, no longer than any message could hold."""
    text = _readable(markup.to_plain(markdown))
    return _BLANK_LINES.sub("\n", text).strip()[: max_parts * GSM7_SINGLE + 1]


def _readable(text: str) -> str:
    """Composed, and without what no phone can show: controls, bidi marks, halves of characters."""
    composed = unicodedata.normalize("NFC", text).replace("\t", " ")
    return "".join(c for c in composed if c in "\n\u200d" or unicodedata.category(c) not in _UNSHOWN)


def _cut_body(head: str, body: str, tail: list[str], limits: Limits) -> str | None:
    """The most words of the body that fit, or None if not one does."""
    ends = [word.end() for word in re.finditer(r"\S+", body)]

    def text(words: int) -> str:
        return _join(head, body[: ends[words - 1]].rstrip(" ,;:.!?-") + CUT, *tail)

    def too_long(words: int) -> bool:
        return len(encode(text(words), limits.transliterate).parts) > limits.max_parts

    fitting = bisect.bisect_left(range(1, len(ends)), True, key=too_long)
    return text(fitting) if fitting else None


def _join(*lines: str) -> str:
    return "\n".join(line for line in lines if line)
