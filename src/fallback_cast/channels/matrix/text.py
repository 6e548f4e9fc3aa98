"""An announcement as the content of an `m.room.message` event, cut to what an event holds.

https://spec.matrix.org/v1.18/client-server-api/#mroommessage-msgtypes (2026-07): a plain `body` always,
and HTML of a closed list of tags, all of which `markup.to_html` keeps to.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Sequence

from fallback_cast.channels.kit import markup
from fallback_cast.channels.kit.markup import defuse_mentions
from fallback_cast.channels.kit.wording import Fact
from fallback_cast.model.errors import MessageRefused
from fallback_cast.model.texts import translate

# A whole event is at most 65,536 bytes of canonical JSON, with what servers add and sign.
MAX_PLAIN_BYTES = 15_000
MAX_HTML_BYTES = 30_000
_CUT = "…"
_LEAST_BYTES = 64  # for the text: room for the marks of the cut


def compose(headline: str, markdown: str, facts: Sequence[Fact], language: str) -> tuple[str, str]:
    """Plain text and HTML: headline, text, facts; only the text is ever cut.

    Raises MessageRefused if headline and facts alone are too long.
    """
    head = defuse_mentions(headline)
    lines = [_fact(fact, language) for fact in facts]
    plain = defuse_mentions(markup.to_plain(markdown))
    marked_up = _safe_html(markup.to_html(markdown))
    text = _fit(head + "\n\n", plain, "\n\n" + "\n".join(lines), MAX_PLAIN_BYTES, _cut_text)
    html_facts = "<br>\n".join(_linked(fact, line) for fact, line in zip(facts, lines, strict=True))
    return text.strip(), _fit(
        f"<p><strong>{html.escape(head)}</strong></p>\n",
        marked_up,
        f"<p>{html_facts}</p>" if facts else "",
        MAX_HTML_BYTES,
        lambda whole, room: _cut_html(whole, plain, room),
    )


def size(text: str) -> int:
    """Bytes of a text inside canonical JSON."""
    return len(json.dumps(text, ensure_ascii=False).encode()) - 2


def _fit(head: str, body: str, tail: str, limit: int, cut: Callable[[str, int], str]) -> str:
    room = limit - size(head) - size(tail)
    if room < _LEAST_BYTES:
        raise MessageRefused("title and facts alone are too long for Matrix")
    return head + (body if size(body) <= room else cut(body, room)) + tail


def _cut_text(text: str, room: int) -> str:
    """The longest beginning that fits with the ellipsis, ending with a whole word if one ends near."""
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if size(text[:middle] + _CUT) <= room else (low, middle - 1)
    space = max(text.rfind(" ", low - 40, low), text.rfind("\n", low - 40, low)) if low > 40 else -1
    return text[: space if space > 0 else low] + _CUT


def _cut_html(text: str, plain: str, room: int) -> str:
    """Whole blocks as long as they fit; if not even one does, the plain text as one paragraph."""
    kept = ""
    for block in _top_blocks(text):
        if size(kept + block) > room - size(f"<p>{_CUT}</p>"):
            break
        kept += block
    if kept:
        return f"{kept}<p>{_CUT}</p>"
    frame = "<p></p>"
    short = plain
    while size(escaped := _paragraph(short)) > room - size(frame):
        # Escaping makes it longer; at the latest a sixth of the room fits (`&quot;` for one sign).
        short = _cut_text(short, max(size(short) * (room - size(frame)) // (size(escaped) + 1), size(_CUT)))
    return f"<p>{escaped}</p>"


def _paragraph(text: str) -> str:
    return html.escape(text).replace("\n", "<br>\n")


_VOID = frozenset({"br", "hr"})
_TAG = re.compile(r"<(/?)([a-z0-9]+)[^>]*>")


def _top_blocks(text: str) -> list[str]:
    """Splits our own, well-formed HTML after each outermost element."""
    blocks, depth, start = [], 0, 0
    for tag in _TAG.finditer(text):
        if tag[2] not in _VOID:
            depth += -1 if tag[1] else 1
        if depth == 0:
            blocks.append(text[start : tag.end()])
            start = tag.end()
    return blocks


# Matrix clients drop links of other kinds, so a number must be readable; the markup is our own.
_TEL = re.compile(r'<a href="tel:([^"]*)">(.*?)</a>', re.DOTALL)


def _safe_html(text: str) -> str:
    """Numbers shown, mass mentions defused outside of tags (our writer escapes every other <)."""
    text = _TEL.sub(_number, text)
    pieces = re.split(r"(<[^>]*>)", text)
    return "".join(piece if piece.startswith("<") else defuse_mentions(piece) for piece in pieces)


def _number(link: re.Match[str]) -> str:
    number, shown = link[1], link[2].removeprefix("tel:")
    return shown if number in shown else f"{shown} ({number})"


def _fact(fact: Fact, language: str) -> str:
    value = fact.value if _is_link(fact) else defuse_mentions(fact.value)
    return translate(language, "{label}: {value}").format(label=fact.label, value=value)


def _is_link(fact: Fact) -> bool:
    return fact.value.startswith(("https://", "http://"))


def _linked(fact: Fact, line: str) -> str:
    if not _is_link(fact):
        return html.escape(line)
    label = html.escape(line.removesuffix(fact.value))
    return f'{label}<a href="{html.escape(fact.value)}">{html.escape(fact.value)}</a>'
