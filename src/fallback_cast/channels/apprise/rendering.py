"""The announcement in the size and markup of an Apprise service, cut by ourselves: link and code stay."""

from __future__ import annotations

import html
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from fallback_cast.channels.kit import markup, wording
from fallback_cast.model.announcement import Announcement, Club
from fallback_cast.model.errors import MessageRefused
from fallback_cast.model.message import Message
from fallback_cast.model.texts import translate

_ENOUGH = 60  # characters of the text that are worth more than a signature
_SHORT_HEADLINE = 40

# <!channel> (Slack), <@&role> (Discord): their Apprise services pass such marks on.
_MARKED_MENTIONS = re.compile(r"(<|&lt;)(?=[!@#])")


@dataclass(frozen=True, slots=True)
class AppriseMessage(Message):
    title: str
    body: str
    body_format: str  # text | html, as given to Apprise; it makes Markdown of the HTML where needed


@dataclass(frozen=True, slots=True)
class _Words:
    """What a message is made of, before it is cut."""

    headline: str
    text: str
    facts: Sequence[tuple[str, str]]  # label, value
    sign: str


def render_for(service: Any, announcement: Announcement, club: Club, page_url: str | None) -> AppriseMessage:
    """Raises MessageRefused if the service has no room even for the code."""
    rich = _is_rich(service)
    words = _Words(
        wording.headline(announcement),
        markup.to_plain(announcement.body),
        [
            (fact.kind, _line(fact, announcement.language))
            for fact in wording.facts(announcement, club, page_url)
        ],
        club.name,
    )
    title = words.headline if service.title_maxlen > 0 else ""
    if len(title) > service.title_maxlen:
        title = cut(title, service.title_maxlen)
    folded = title != words.headline  # then the whole headline stands in the body
    room = _room(service, title)
    if rich:
        body = _rich_body(words, folded, announcement.body)
        if len(words.text) > room or _length(service, body) > room:
            body = _fit(words, folded, room, _as_html, lambda text: _length(service, text))
    else:
        body = _fit(words, folded, room, lambda text: _few_lines(service, defuse(text)), len)
    return AppriseMessage(_plain(words), defuse(title), body, "html" if rich else "text")


def defuse(text: str) -> str:
    """Mentions that ring a whole room stay readable but ring nobody."""
    return _MARKED_MENTIONS.sub("\\1\u2060", markup.defuse_mentions(text))


def cut(text: str, limit: int) -> str:
    """At most `limit` characters, at the end of a word where one is near, with an ellipsis."""
    if len(text) <= limit:
        return text
    if limit < 1:
        return ""
    kept = text[: limit - 1]
    word_end = kept.rfind(" ")
    return (kept[:word_end] if word_end > limit * 0.7 else kept).rstrip() + "…"


def _is_rich(service: Any) -> bool:
    """The format that the URL asks for, else the one the service itself prefers."""
    return str(service.resolve_format(None).value) != "text"


def _line(fact: wording.Fact, language: str) -> str:
    return translate(language, "{label}: {value}").format(label=fact.label, value=fact.value)


def _plain(words: _Words) -> str:
    return defuse(_join(words.headline, words.text, [line for _, line in words.facts], words.sign))


def _join(headline: str, text: str, lines: Sequence[str], sign: str) -> str:
    return "\n\n".join(part for part in (headline, text, "\n".join(lines), sign) if part)


def _room(service: Any, title: str) -> int:
    room = int(service.body_maxlen) - int(service.overflow_buffer)
    if service.overflow_amalgamate_title and title:
        room -= min(len(title) + int(service.overflow_max_display_count_width), int(service.title_maxlen))
    return room


def _length(service: Any, body: str) -> int:
    """The length of our HTML as the service will count it."""
    from apprise.conversion import convert_between

    target = service.resolve_format("html")
    converted = convert_between("html", target, body)  # type: ignore[no-untyped-call]
    return len(service.dialect_convert(converted, target))


def _few_lines(service: Any, text: str) -> str:
    """Some desktop services drop all lines but the first few: then everything goes on one."""
    most = int(service.body_max_line_count)
    lines = [line for line in text.splitlines() if line.strip()]
    return " · ".join(lines) if 0 < most < text.count("\n") + 1 else text


def _rich_body(words: _Words, folded: bool, markdown: str) -> str:
    head = f"<p><strong>{html.escape(words.headline)}</strong></p>\n" if folded else ""
    lines = "<br>\n".join(_html_line(kind, line) for kind, line in words.facts)
    return defuse(f"{head}{markup.to_html(markdown)}<p>{lines}</p>\n<p>{html.escape(words.sign)}</p>")


def _html_line(kind: str, line: str) -> str:
    """A link is a link only where the reader's program may open it."""
    address = re.search(r"https?://\S+", line) if kind in ("link", "page") else None
    if address is None:
        return html.escape(line)
    target = html.escape(address[0])
    return f'{html.escape(line[: address.start()])}<a href="{target}">{target}</a>'


def _as_html(text: str) -> str:
    return "<p>" + defuse(html.escape(text)).replace("\n", "<br>\n") + "</p>"


def _fit(
    words: _Words, folded: bool, room: int, write: Callable[[str], str], measure: Callable[[str], int]
) -> str:
    """The longest text that fits, written. What is given up first stands last in `_plans`."""
    for headline, lines, sign, least in _plans(words, folded):

        def whole(size: int, headline: str = headline, lines: Sequence[str] = lines, sign: str = sign) -> str:
            return write(_join(headline, cut(words.text, size), lines, sign))

        sizes = range(min(len(words.text), room) + 1)
        size = bisect_right(sizes, room, key=lambda size: measure(whole(size))) - 1
        if size >= least:
            return whole(size)
    raise MessageRefused("too little room here for a title and the code")


def _plans(words: _Words, folded: bool) -> Iterator[tuple[str, Sequence[str], str, int]]:
    headline = words.headline if folded else ""
    short = cut(headline, _SHORT_HEADLINE)
    everything = [line for _, line in words.facts]
    links = [line for kind, line in words.facts if kind in ("link", "page", "code")]
    code = [line for kind, line in words.facts if kind == "code"]
    enough = min(len(words.text), _ENOUGH)
    yield headline, everything, words.sign, enough
    yield headline, everything, "", enough
    yield headline, links, "", 0
    yield short, links, "", 0
    yield short, code, "", 0
