"""An announcement as Telegram's HTML, cut to what one message holds.

https://core.telegram.org/bots/api#html-style (2026-11): a closed list of tags, no blocks but quotes and
code, line breaks as they are. The text is written as runs that know their tags, so a cut never leaves a
tag open and the length counted is the one that counts: without markup.
"""

from __future__ import annotations

import html
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import takewhile

from markdown_it.tree import SyntaxTreeNode

from fallback_cast.channels.kit.markup import defuse_mentions, link_target
from fallback_cast.channels.kit.wording import Fact
from fallback_cast.model.document import parse_document
from fallback_cast.model.errors import MessageRefused
from fallback_cast.model.texts import translate

MAX_UNITS = 4096  # UTF-16 code units after parsing, the stricter reading of "characters"

Tags = tuple[str, ...]  # open tags as written, outermost first
_BOLD, _CODE, _PRE, _QUOTE = "<b>", "<code>", "<pre>", "<blockquote>"
_SPANS = {"strong": _BOLD, "em": "<i>", "s": "<s>"}


@dataclass(frozen=True, slots=True)
class Run:
    """A piece of text under the same tags."""

    text: str
    tags: Tags = ()


_GAP = Run("\n\n")


def compose(headline: str, markdown: str, facts: Iterable[Fact], language: str) -> tuple[str, str]:
    """The message as Telegram's HTML and as read: headline, text, facts; only the text is ever cut.

    Raises MessageRefused if headline and facts alone are too long for one message.
    """
    head = [Run(defuse_mentions(headline), (_BOLD,))]
    tail = _join((_fact(fact, language) for fact in facts), Run("\n"))
    room = MAX_UNITS - units(head) - units(tail) - units([_GAP]) * (2 if tail else 1)
    if room < 0:
        raise MessageRefused("title and facts alone are too long for Telegram")
    body = _cut(_blocks(parse_document(markdown).children, ()), room)
    runs = _join((head, body, tail), _GAP)
    return to_html(runs).strip(), "".join(run.text for run in runs).strip()


def units(runs: Iterable[Run]) -> int:
    """Length as Telegram counts it: UTF-16 code units of what is read."""
    return sum(len(run.text.encode("utf-16-le")) // 2 for run in runs)


def to_html(runs: Iterable[Run]) -> str:
    """Runs as markup; tags that the next run shares stay open."""
    parts: list[str] = []
    open_tags: Tags = ()
    for run in (*runs, Run("")):
        shared = len(list(takewhile(lambda pair: pair[0] == pair[1], zip(open_tags, run.tags, strict=False))))
        parts += [f"</{_name(tag)}>" for tag in reversed(open_tags[shared:])]
        parts += run.tags[shared:]
        parts.append(html.escape(run.text, quote=False))
        open_tags = run.tags
    return "".join(parts)


def _name(tag: str) -> str:
    return tag.strip("<>").split(" ", 1)[0]


def _link(target: str) -> str:
    return f'<a href="{html.escape(target, quote=True)}">'


def _join(parts: Iterable[list[Run]], separator: Run) -> list[Run]:
    runs: list[Run] = []
    for part in parts:
        if part and runs:
            runs.append(separator)
        runs += part
    return runs


def _fact(fact: Fact, language: str) -> list[Run]:
    label = Run(translate(language, "{label}: {value}").format(label=fact.label, value=""))
    if fact.value.startswith(("https://", "http://")):
        return [label, Run(fact.value, (_link(fact.value),))]
    return [label, Run(defuse_mentions(fact.value))]


def _cut(runs: list[Run], room: int) -> list[Run]:
    if units(runs) <= room:
        return runs
    if room < 1:
        return []
    kept: list[Run] = []
    room -= 1  # the ellipsis
    for run in runs:
        size = units([run])
        if size > room:
            kept.append(replace(run, text=_shorten(run.text, room)))
            break
        kept.append(run)
        room -= size
    return [*kept, Run("…")]


def _shorten(text: str, room: int) -> str:
    """The beginning of the text, ending with a whole word if one ends near."""
    short = text.encode("utf-16-le")[: 2 * room].decode("utf-16-le", "ignore")
    space = max(short.rfind(" "), short.rfind("\n"))
    return short[:space] if space > len(short) - 40 else short


def _blocks(nodes: list[SyntaxTreeNode], tags: Tags, separator: str = "\n\n") -> list[Run]:
    return _join((_block(node, tags) for node in nodes), Run(separator, _quote_of(tags)))


def _block(node: SyntaxTreeNode, tags: Tags) -> list[Run]:
    match node.type:
        case "heading":
            return _inline(node.children, (*tags, _BOLD))
        case "bullet_list" | "ordered_list":
            return _items(node, tags)
        case "blockquote":  # quotes do not nest
            return _blocks(node.children, tags if _QUOTE in tags else (*tags, _QUOTE))
        case "fence" | "code_block":
            return [Run(node.content.rstrip("\n"), (*_quote_of(tags), _PRE))]
        case "hr":
            return [Run("———", tags)]
        case "table":
            return _table(node, tags)
        case _:
            return _inline(node.children, tags)


def _items(node: SyntaxTreeNode, tags: Tags) -> list[Run]:
    start = int(node.attrs.get("start", 1) or 1)
    runs: list[Run] = []
    for number, item in enumerate(node.children, start):
        mark = f"{number}. " if node.type == "ordered_list" else "• "
        body = _blocks(item.children, tags, "\n")
        indented = [replace(run, text=run.text.replace("\n", "\n" + " " * len(mark))) for run in body]
        runs += [*([Run("\n", tags)] if runs else []), Run(mark, tags), *indented]
    return runs


def _table(node: SyntaxTreeNode, tags: Tags) -> list[Run]:
    runs: list[Run] = []
    for row in (row for part in node.children for row in part.children):
        for column, cell in enumerate(row.children):
            runs += [Run(" | " if column else "\n" if runs else "", tags), *_inline(cell.children, tags)]
    return runs


def _inline(nodes: list[SyntaxTreeNode], tags: Tags) -> list[Run]:
    return [run for node in nodes for run in _span(node, tags)]


def _span(node: SyntaxTreeNode, tags: Tags) -> list[Run]:
    match node.type:
        case "text":
            return [Run(defuse_mentions(node.content), tags)]
        case "code_inline":  # code neither holds nor joins other markup; a link is worth more than code
            return [Run(node.content, tags if _in_link(tags) else (*_quote_of(tags), _CODE))]
        case "softbreak" | "hardbreak":
            return [Run("\n", tags)]
        case "link" | "image":
            return _linked(node, tags)
        case kind if kind in _SPANS:
            tag = _SPANS[kind]  # a style inside the same style says nothing new, and Telegram may refuse it
            return _inline(node.children, tags if tag in tags else (*tags, tag))
        case _:
            return _inline(node.children, tags)


def _linked(node: SyntaxTreeNode, tags: Tags) -> list[Run]:
    target = link_target(node)
    if not target or _in_link(tags):
        return _inline(node.children, tags) or [Run(node.content or target, tags)]
    if target.lower().startswith(("http:", "https:")):
        inside = (*tags, _link(target))
        return _inline(node.children, inside) or [Run(node.content or target, inside)]
    # Telegram makes links of mail addresses and numbers that stand in the text, and of no others.
    bare = target.split(":", 1)[1]
    shown = _inline(node.children, tags)
    text = "".join(run.text for run in shown)
    return [Run(bare, tags)] if text in ("", bare, target) else [*shown, Run(f" ({bare})", tags)]


def _in_link(tags: Tags) -> bool:
    return any(tag.startswith("<a ") for tag in tags)


def _quote_of(tags: Tags) -> Tags:
    return tuple(tag for tag in tags if tag == _QUOTE)
