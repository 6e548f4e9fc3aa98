"""The parsed announcement and its writers: plain text, HTML, mentions."""

from __future__ import annotations

import re
import time
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from fallback_cast.channels.kit import markup
from fallback_cast.model.document import ALLOWED_SCHEMES, parse_document

PIECES = [
    "**bold**",
    "*it*",
    "~~gone~~",
    "`code`",
    "[site](https://example.org/a?b=1&c=2)",
    "<script>alert(1)</script>",
    "[x](javascript:alert(1))",
    "[y](data:text/html,z)",
    "![p](https://example.org/p.png)",
    "<b onclick=x>",
    "[m](mailto:a@example.org)",
    "[t](tel:+33199001234)",
    "&lt;",
    "&amp;",
    '"quoted"',
    "'",
    "\n\n",
    "\n",
    "# Title\n",
    "- one\n- two\n",
    "3. three\n4. four\n",
    "> said\n",
    "```\n<raw> & **not bold**\n```\n",
    "----\n",
    "| a | b |\n|---|---|\n| c | d |\n",
    "https://example.org/",
    "<https://example.org/>",
    "[v](vbscript:x)",
    "[w](//example.org)",
    "\\*",
    "é",
    "@everyone",
]
_markdown = st.lists(st.sampled_from(PIECES) | st.text(max_size=12), max_size=25).map("".join)
_calm = settings(deadline=None)  # the machine may be busy with other tests
_many = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
ALLOWED_TAGS = set("p h3 h4 h5 h6 ul ol li blockquote pre code hr table tr th td strong em del br a".split())  # noqa: SIM905


class Seen(HTMLParser):
    """What a browser would make of it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.pieces: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("br", "hr"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.pieces.append(data)

    @property
    def words(self) -> str:
        return "".join(self.pieces)

    def handle_comment(self, data: str) -> None:
        raise AssertionError("a comment came through")


@_many
@given(_markdown)
def test_html_holds_only_our_tags_and_allowed_links(markdown: str) -> None:
    seen = Seen(markup.to_html(markdown))
    assert seen.open == []
    for tag, attributes in seen.tags:
        assert tag in ALLOWED_TAGS
        assert set(attributes) <= {"href", "start"}
        if tag == "a":
            assert urlsplit(attributes["href"] or "").scheme.lower() in ALLOWED_SCHEMES


@_many
@given(_markdown)
def test_plain_text_says_the_same_and_loses_no_target(markdown: str) -> None:
    plain = markup.to_plain(markdown)
    seen = Seen(markup.to_html(markdown))
    for piece in seen.pieces:
        for line in piece.splitlines():
            assert line.strip() in plain
    for tag, attributes in seen.tags:
        if tag == "a":
            target = attributes["href"] or ""
            assert target.removeprefix("mailto:").removeprefix("tel:") in plain


@_many
@given(st.text(max_size=80))
def test_plain_words_come_through_unchanged(text: str) -> None:
    escaped = re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", " ".join(text.split()))
    assert Seen(markup.to_html(escaped)).words.strip() == markup.to_plain(escaped).strip()


@pytest.mark.parametrize(
    ("markdown", "plain"),
    [
        ("Un **mot** *et* ~~rien~~ `x`", "Un mot et rien x"),
        ("[le site](https://example.org/)", "le site (https://example.org/)"),
        ("<https://example.org/>", "https://example.org/"),
        ("[club@example.org](mailto:club@example.org)", "club@example.org"),
        ("[+33199001234](tel:+33199001234)", "+33199001234"),
        ("[appelez](tel:+33199001234)", "appelez (+33199001234)"),
        ("![photo](https://example.org/p.png)", "photo (https://example.org/p.png)"),
        ("[piège](javascript:alert(1))", "[piège](javascript:alert(1))"),
        ("- a\n- b\n  - c", "- a\n- b\n  - c"),
        ("9. neuf\n10. dix", "9. neuf\n10. dix"),
        ("> dit\n> elle", "> dit\n> elle"),
        ("# Titre\n\ntexte", "Titre\n\ntexte"),
        ("a\nb", "a\nb"),
        ("| a | b |\n|---|---|\n| c | d |", "a | b\nc | d"),
        ("```\n**brut**\n```", "**brut**"),
        ("<b>gras</b>", "<b>gras</b>"),
        ("", ""),
    ],
)
def test_plain_text_by_example(markdown: str, plain: str) -> None:
    assert markup.to_plain(markdown) == plain


@pytest.mark.parametrize(
    ("markdown", "page"),
    [
        ("# Titre", "<h3>Titre</h3>"),
        ("###### bas", "<h6>bas</h6>"),
        ("a & b <c>", "<p>a &amp; b &lt;c&gt;</p>"),
        ('[a"b](https://example.org/?x="y")', 'href="https://example.org/?x=%22y%22"'),
        ("3. trois", '<ol start="3">'),
        ("- a", "<ul><li>"),
        ("![](https://example.org/p.png)", ">https://example.org/p.png</a>"),
    ],
)
def test_html_by_example(markdown: str, page: str) -> None:
    assert page in markup.to_html(markdown)


@pytest.mark.parametrize(
    "target",
    ["javascript:alert(1)", "JaVaScRiPt:x", " data:x", "file:///etc/passwd", "//example.org", "x"],
)
def test_other_links_leave_their_text_only(target: str) -> None:
    assert not [tag for tag, _ in Seen(markup.to_html(f"[t](<{target}>)")).tags if tag == "a"]


def test_deep_nesting_ends() -> None:
    deep = "> " * 500 + "fond"
    started = time.perf_counter()
    assert parse_document(deep).children
    assert isinstance(markup.to_plain(deep + "!"), str)
    assert Seen(markup.to_html(deep + "?")).open == []
    assert time.perf_counter() - started < 2


@_calm
@given(st.text(max_size=60))
@example("@everyone @HERE @room, @channel. @all")
def test_mentions_lose_their_ring_and_nothing_else(text: str) -> None:
    defused = markup.defuse_mentions(text)
    assert not re.search(r"@(room|everyone|here|channel|all)\b", defused, re.IGNORECASE)
    assert defused.replace("\u2060", "") == text.replace("\u2060", "")
    assert markup.defuse_mentions(defused) == defused


def test_other_words_after_an_at_stay() -> None:
    for text in ("@roomy", "@allez", "contact@example.org", "@ everyone", "@marie"):
        assert markup.defuse_mentions(text) == text


def test_a_link_to_nowhere_is_its_text() -> None:
    assert markup.to_plain("[x]() ![p]() []()") == "x p"
    assert markup.to_html("[x]()") == "<p>x</p>\n"
