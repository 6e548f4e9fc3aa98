"""The announcement's Markdown, parsed once; each channel writes and escapes from this tree.

CommonMark with raw HTML off. Links are `http`, `https`, `mailto` or `tel`; any other target leaves
only its text. Pictures are shown as links: no channel fetches anything.
"""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

ALLOWED_SCHEMES = frozenset({"http", "https", "mailto", "tel"})


def _valid_link(url: str) -> bool:
    try:
        return urlsplit(url.strip()).scheme.lower() in ALLOWED_SCHEMES
    except ValueError:
        return False


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True, "maxNesting": 20})
    parser.enable(["strikethrough", "table"])
    parser.validateLink = _valid_link  # type: ignore[method-assign]
    return parser


@lru_cache(maxsize=32)
def parse_document(markdown: str) -> SyntaxTreeNode:
    """The tree of a Markdown text; the same text gives the same (shared, read-only) tree."""
    return SyntaxTreeNode(_parser().parse(markdown))
