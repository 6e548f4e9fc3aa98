"""Writers from the parsed announcement: plain text and HTML (escaped; links only as the parser allowed)."""

from __future__ import annotations

import html
import re
from functools import lru_cache

from markdown_it.tree import SyntaxTreeNode

from fallback_cast.model.document import parse_document

# Mass mentions ping a whole room on Matrix, Discord, Slack and their kin. Only where a mention can
# begin: an address such as a@all.example or https://x.example/@all stays as it is.
_MENTIONS = re.compile(r"(?<![\w/.])@(room|everyone|here|channel|all)\b(?![.\w-]*\.\w)", re.IGNORECASE)


def defuse_mentions(text: str) -> str:
    """`@everyone` and its kin stay readable but ring nobody (a word joiner after the @)."""
    return _MENTIONS.sub("@\u2060\\1", text)


@lru_cache(maxsize=64)
def to_plain(markdown: str) -> str:
    """The text as a person would type it: links as `text (address)`, lists with dashes."""
    return _Plain().blocks(parse_document(markdown).children).strip()


@lru_cache(maxsize=64)
def to_html(markdown: str) -> str:
    """Block HTML of the announcement, everything escaped; only tags that Markdown itself makes."""
    return "".join(_html_block(node) for node in parse_document(markdown).children)


class _Plain:
    def blocks(self, nodes: list[SyntaxTreeNode], separator: str = "\n\n") -> str:
        return separator.join(text for node in nodes if (text := self.block(node)))

    def block(self, node: SyntaxTreeNode) -> str:
        match node.type:
            case "bullet_list" | "ordered_list":
                return self.items(node)
            case "blockquote":
                return "\n".join(f"> {line}" for line in self.blocks(node.children).splitlines())
            case "fence" | "code_block":
                return node.content.rstrip("\n")
            case "hr":
                return "----"
            case "table":
                return "\n".join(self.row(row) for part in node.children for row in part.children)
            case _:
                return self.inline(node.children)

    def items(self, node: SyntaxTreeNode) -> str:
        start = int(node.attrs.get("start", 1) or 1)
        lines = []
        for number, item in enumerate(node.children, start):
            mark = f"{number}. " if node.type == "ordered_list" else "- "
            body = self.blocks(item.children, "\n").replace("\n", "\n" + " " * len(mark))
            lines.append(mark + body)
        return "\n".join(lines)

    def row(self, node: SyntaxTreeNode) -> str:
        return " | ".join(self.inline(cell.children) for cell in node.children)

    def inline(self, nodes: list[SyntaxTreeNode]) -> str:
        return "".join(self.span(node) for node in nodes)

    def span(self, node: SyntaxTreeNode) -> str:
        match node.type:
            case "text" | "code_inline":
                return node.content
            case "softbreak" | "hardbreak":
                return "\n"
            case "link" | "image":
                return self.link(node)
            case _:
                return self.inline(node.children)

    def link(self, node: SyntaxTreeNode) -> str:
        target = link_target(node)
        text = self.inline(node.children) or node.content
        bare = target.removeprefix("mailto:").removeprefix("tel:")
        if not bare:
            return text
        return bare if text in (target, bare, "") else f"{text} ({bare})"


def link_target(node: SyntaxTreeNode) -> str:
    """Where a link or picture points; the parser has let through only allowed schemes. Empty: nowhere."""
    return str(node.attrs.get("href") or node.attrs.get("src") or "")


_BLOCK_TAGS = {"paragraph": "p", "blockquote": "blockquote", "bullet_list": "ul", "list_item": "li"}
_SPAN_TAGS = {"strong": "strong", "em": "em", "s": "del"}


def _html_block(node: SyntaxTreeNode) -> str:
    match node.type:
        case "heading":
            # The announcement's title is the page's only first and second heading.
            level = min(int(node.tag[1]) + 2, 6)
            return f"<h{level}>{_html_children(node)}</h{level}>\n"
        case "ordered_list":
            start = int(node.attrs.get("start", 1) or 1)
            number = f' start="{start}"' if start != 1 else ""
            return f"<ol{number}>{_html_children(node)}</ol>\n"
        case "fence" | "code_block":
            return f"<pre><code>{html.escape(node.content)}</code></pre>\n"
        case "hr":
            return "<hr>\n"
        case "table":
            rows = "".join(_html_row(row) for part in node.children for row in part.children)
            return f"<table>{rows}</table>\n"
        case kind if kind in _BLOCK_TAGS:
            tag = _BLOCK_TAGS[kind]
            return f"<{tag}>{_html_children(node)}</{tag}>\n"
        case _:
            return _html_children(node)


def _html_row(node: SyntaxTreeNode) -> str:
    return "<tr>" + "".join(f"<{c.tag}>{_html_children(c)}</{c.tag}>" for c in node.children) + "</tr>"


def _html_children(node: SyntaxTreeNode) -> str:
    if node.type in ("list_item", "blockquote", "bullet_list", "ordered_list"):
        return "".join(_html_block(child) for child in node.children)
    return "".join(_html_span(child) for child in node.children)


def _html_span(node: SyntaxTreeNode) -> str:
    match node.type:
        case "text":
            return html.escape(node.content)
        case "code_inline":
            return f"<code>{html.escape(node.content)}</code>"
        case "softbreak" | "hardbreak":
            return "<br>\n"
        case "link" | "image":
            inner = _html_children(node) or html.escape(node.content or link_target(node))
            if not link_target(node):
                return inner
            return f'<a href="{html.escape(link_target(node), quote=True)}">{inner}</a>'
        case kind if kind in _SPAN_TAGS:
            tag = _SPAN_TAGS[kind]
            return f"<{tag}>{_html_children(node)}</{tag}>"
        case _:
            return _html_children(node)
