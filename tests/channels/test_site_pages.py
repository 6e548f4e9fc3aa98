"""What readers and programs get: valid, light, accessible, in two languages, and nothing breaks out of it."""

from __future__ import annotations

import io
import itertools
import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import feedparser
import html5lib
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import fallback_cast.channels.site as package
from fallback_cast.channels.site.feeds import atom, json_feed, sitemap
from fallback_cast.channels.site.manifest import Manifest, record_of
from fallback_cast.channels.site.pages import Pages
from fallback_cast.channels.site.settings import Site, contrast_with_white
from fallback_cast.model.announcement import Announcement
from fallback_cast.model.french import FRENCH
from tests.channels.fake import CLUB, announcement

NOW = datetime(2026, 11, 28, 9, 5, tzinfo=UTC)
URL = "https://sainte-anne.example/annonces/"
SITE = Site(CLUB, URL, 50, "#1f5a4c")
PAGES = Pages(SITE)
HTML = "{http://www.w3.org/1999/xhtml}"
LONG = "\n\n".join(f"Paragraphe {n} : " + "les terrains sont sous l’eau. " * 6 for n in range(15))
HOSTILE = (
    "</title></script><script>alert(1)</script>\"'>&amp;<!-- ]]> {{ 7*7 }} {% raw %} <img src=x onerror=y>"
)


def full(**changes: Any) -> Announcement:
    facts = {
        "event_at": datetime(2026, 12, 5, 13, tzinfo=UTC),
        "place": "Boulodrome",
        "link": "https://example.org/meteo",
    }
    return announcement(**(facts | changes))


def publish(*several: Announcement, now: datetime = NOW) -> Manifest:
    manifest = Manifest()
    for one in several:
        manifest = manifest.including(record_of(one, manifest.find(one.id), now))
    return manifest


def page(one: Announcement, *before: Announcement, pages: Pages = PAGES) -> str:
    manifest = publish(*before, one)
    record = manifest.find(one.id)
    assert record
    return pages.page(record)


def strict(text: str) -> ElementTree.Element:
    """The tree of a page without a single parse error by the HTML standard."""
    return html5lib.HTMLParser(strict=True).parse(io.StringIO(text))


def words(tree: ElementTree.Element) -> str:
    return " ".join("".join(tree.itertext()).split())


def structured(text: str) -> dict[str, Any]:
    (block,) = strict(text).iter(HTML + "script")
    assert block.attrib == {"type": "application/ld+json"}
    data: dict[str, Any] = json.loads(block.text or "")
    return data


VARIANTS = {
    "plain": announcement(),
    "everything": full(revision=3, language="en", test=True),
    "cancelled": full(cancelled=True, revision=2),
    "structured text": full(
        body="# Un\n\n## Deux\n\n- a\n- b\n\n1. c\n\n> d\n\n```\n<e>\n```\n\n| f | g |\n|---|---|\n| h | i |\n\n---\n\n![j](https://example.org/k.png)"
    ),
    "hostile": full(title=HOSTILE[:150], body=HOSTILE, place=HOSTILE, link=f"javascript:{HOSTILE}"),
    "long": full(body=LONG),
}


@pytest.mark.parametrize("name", VARIANTS)
def test_pages_are_valid_light_and_accessible(name: str) -> None:
    text = page(VARIANTS[name])
    assert len(text.encode()) < 14_000 or name == "long"
    assert len(text.encode()) < 14_000, "one page of text fits into the first round trip"
    for tree in (strict(text), strict(PAGES.index(publish(VARIANTS[name]), NOW))):
        check_accessible(tree)


def check_accessible(tree: ElementTree.Element) -> None:
    assert tree.attrib["lang"] in ("fr", "en")
    levels = [int(e.tag[-1]) for e in tree.iter() if re.fullmatch(HTML + "h[1-6]", str(e.tag))]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels)), levels
    ids = {e.attrib["id"] for e in tree.iter() if "id" in e.attrib}
    links = list(tree.iter(HTML + "a"))
    assert links[0].attrib["href"] == "#content", "the first stop of the tab key is the skip link"
    assert "content" in ids
    assert all(words(link) for link in links), "every link has words"
    assert all("alt" in image.attrib for image in tree.iter(HTML + "img"))
    assert [e.tag for e in tree.iter() if str(e.tag).removeprefix(HTML) in ("main", "header", "footer")] == [
        HTML + "header",
        HTML + "main",
        HTML + "footer",
    ]
    assert all("datetime" in e.attrib for e in tree.iter(HTML + "time"))


@pytest.mark.parametrize("name", VARIANTS)
def test_pages_load_and_run_nothing(name: str) -> None:
    for text in (page(VARIANTS[name]), PAGES.index(publish(VARIANTS[name]), NOW)):
        tree = strict(text)
        for element in tree.iter():
            assert not [key for key in element.attrib if key.startswith("on")]
            assert "src" not in element.attrib
            assert "style" not in element.attrib
            assert not element.attrib.get("href", "").lower().startswith("javascript")
        assert [e.attrib["type"] for e in tree.iter(HTML + "script")] in ([], ["application/ld+json"])
        (policy,) = [e for e in tree.iter(HTML + "meta") if e.attrib.get("http-equiv")]
        assert policy.attrib["content"].startswith("default-src 'none'; style-src 'sha256-")


def test_the_policy_names_the_style_that_stands_there() -> None:
    from fallback_cast.channels.site.pages import content_policy

    text = page(announcement())
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    assert content_policy(style) in strict(text).find(f".//{HTML}meta[@http-equiv]").attrib["content"]  # type: ignore[union-attr]
    assert "url(" not in style
    assert "@import" not in style


def test_a_page_says_what_a_member_needs() -> None:
    said = words(strict(page(full())))
    for part in ("Pétanque club de Sainte-Anne", "Concours annulé", "URGENT", "terrain inondé", "K7F3"):
        assert part in said
    assert "samedi 5 décembre 2026 à 14\xa0h\xa000" in "".join(strict(page(full())).itertext())
    assert "Boulodrome" in said
    assert "https://example.org/meteo" in said


def test_a_page_in_english() -> None:
    tree = strict(page(full(language="en", revision=2)))
    assert tree.attrib["lang"] == "en"
    said = words(tree)
    for part in (
        "Skip to content",
        "Published on Saturday",
        "Corrected on",
        "Valid until",
        "Every true message",
    ):
        assert part in said


def test_a_correction_a_cancellation_and_an_exercise_say_so() -> None:
    assert "RECTIFICATIF" in words(strict(page(full(revision=2))))
    assert "ANNULÉ" in words(strict(page(full(cancelled=True))))
    assert "URGENT" not in words(strict(page(full(cancelled=True))))
    exercise = page(full(test=True, language="en"))
    assert "This is an exercise" in words(strict(exercise))
    assert '<meta name="robots" content="noindex">' in exercise
    assert "ld+json" not in exercise


def test_structured_data_tells_news_from_events() -> None:
    news = structured(page(announcement()))
    assert (news["@type"], news["headline"], news["url"]) == (
        "NewsArticle",
        "Concours annulé",
        f"{URL}20261128-k7f3qd.html",
    )
    event = structured(page(full()))
    assert (event["@type"], event["eventStatus"]) == ("Event", "https://schema.org/EventScheduled")
    assert event["startDate"] == "2026-12-05T14:00:00+01:00"
    assert event["location"]["name"] == "Boulodrome"
    assert structured(page(full(cancelled=True)))["eventStatus"] == "https://schema.org/EventCancelled"


def test_a_moved_event_tells_both_dates() -> None:
    moved = full(revision=2, event_at=datetime(2026, 12, 12, 13, tzinfo=UTC))
    text = page(moved, full())
    assert structured(text)["eventStatus"] == "https://schema.org/EventRescheduled"
    assert structured(text)["previousStartDate"] == "2026-12-05T14:00:00+01:00"
    assert "samedi 5 décembre 2026" in words(strict(text))
    assert "samedi 12 décembre 2026" in words(strict(text))


def test_atom_is_read_by_a_feed_reader() -> None:
    manifest = publish(announcement(id="20261127-a"), full(title=HOSTILE[:150], body=f"**a** {HOSTILE}"))
    content = atom(manifest, SITE, NOW)
    feed = feedparser.parse(content)
    assert not feed.bozo
    assert feed.version == "atom10"
    assert feed.feed.id == manifest.feed_id.urn
    assert feed.feed.updated == "2026-11-28T09:05:00Z"
    assert feed.entries[0].link == f"{URL}20261128-k7f3qd.html"
    assert "<strong>a</strong>" in feed.entries[0].content[0].value
    assert "<script" not in feed.entries[0].content[0].value
    names = {
        f"{{http://www.w3.org/2005/Atom}}{name}" for name in ("id", "title", "updated", "author", "link")
    }
    assert names <= {element.tag for element in ElementTree.fromstring(content)}
    assert len({entry.id for entry in feed.entries}) == 2


def test_an_entry_keeps_its_name_when_the_site_moves() -> None:
    manifest = publish(announcement())
    elsewhere = atom(manifest, replace(SITE, url="https://new.example/"), NOW)
    (here,), (there,) = (
        feedparser.parse(atom(manifest, SITE, NOW)).entries,
        feedparser.parse(elsewhere).entries,
    )
    assert here.id == there.id
    assert here.link != there.link


def test_json_feed_has_what_its_version_asks() -> None:
    feed = json.loads(json_feed(publish(full(), announcement(id="20261127-a")), SITE))
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert feed["title"]
    assert (feed["home_page_url"], feed["feed_url"]) == (URL, f"{URL}feed.json")
    for item in feed["items"]:
        assert isinstance(item["id"], str)
        assert item["content_html"]
        datetime.fromisoformat(item["date_published"])
        datetime.fromisoformat(item["date_modified"])
        assert item["url"].startswith(URL)
        assert item["_fallback_cast"]["code"] == "K7F3"


def test_the_sitemap_lists_every_page_but_exercises() -> None:
    manifest = publish(announcement(), announcement(id="20261128-test", test=True))
    locations = [
        e.text for e in ElementTree.fromstring(sitemap(manifest, URL)).iter() if e.tag.endswith("}loc")
    ]
    assert locations == [URL, f"{URL}20261128-k7f3qd.html"]


def test_without_an_address_pages_and_feeds_still_hold_together() -> None:
    homeless = replace(SITE, url=None)
    manifest = publish(full())
    strict(Pages(homeless).page(manifest.records[0]))
    assert not feedparser.parse(atom(manifest, homeless, NOW)).bozo
    assert "url" not in json.loads(json_feed(manifest, homeless))["items"][0]
    assert "<a " not in Pages(homeless).banner(manifest, NOW)


def test_an_empty_site_is_whole() -> None:
    check_accessible(strict(PAGES.index(Manifest(), NOW)))
    assert not feedparser.parse(atom(Manifest(), SITE, NOW)).bozo


def test_the_banner_fits_into_any_page() -> None:
    banner = PAGES.banner(publish(full(title="Crue : évacuation", body="x")), NOW)
    content = banner.encode("ascii", "xmlcharrefreplace")
    tree = html5lib.HTMLParser(strict=True).parseFragment(content.decode("latin-1"))
    assert "Crue\xa0: évacuation" in "".join(tree.itertext())
    assert next(tree.iter(HTML + "a")).attrib["href"] == f"{URL}20261128-k7f3qd.html"
    later = NOW + timedelta(days=3)
    assert "Crue" not in PAGES.banner(publish(full(title="Crue")), later)


def test_a_line_in_another_language_says_so() -> None:
    index = PAGES.index(publish(announcement(language="en")), NOW)
    assert '<li lang="en">' in index


def test_colours_are_readable() -> None:
    """Level AA for every pair of text and ground in the style, light and dark."""
    style = (Path(package.__file__).parent / "templates" / "style.css").read_text()
    assert contrast_with_white("#ffffff") == pytest.approx(1)
    assert contrast_with_white("#000000") == pytest.approx(21)
    light = {"#22282b": "#faf9f6", "#5b6366": "#faf9f6", "#0f5276": "#faf9f6", "#454d50": "#faf9f6"}
    light |= {"#9c1c1c": "#faf9f6", "#ffffff": "#7a4a00"}
    dark = {"#e4e2dc": "#1d2326", "#a9b1b4": "#1d2326", "#8ec7e8": "#1d2326", "#f0a09a": "#15191b"}
    for text, ground in (light | dark).items():
        assert ratio(text, ground) >= 4.5, (text, ground)
        assert {text, ground} <= {*re.findall(r"#[0-9a-f]{6}", style), "#ffffff"}, "the style has moved on"
    for text, ground in [("#22282b", "#f5ecd9"), ("#22282b", "#f7e3e1"), ("#22282b", "#efece5")]:
        assert ratio(text, ground) >= 4.5
    for text, ground in [("#e4e2dc", "#33290f"), ("#e4e2dc", "#3a1c1b"), ("#ffffff", "#4a5256")]:
        assert ratio(text, ground) >= 4.5


def ratio(one: str, other: str) -> float:
    a, b = contrast_with_white(one), contrast_with_white(other)
    return max(a, b) / min(a, b)


def test_every_text_of_the_pages_has_its_french() -> None:
    folder = Path(package.__file__).parent
    sources = "".join(file.read_text() for file in [*folder.glob("*.py"), *folder.glob("templates/*.html")])
    keys = re.findall(r'\b(?:t|translate)\((?:[\w.]+, )?"([^"]+)"\)', sources)
    keys += [heading for _, heading, _ in re.findall(r'\("(\w+)", "(\w+)", (\[)', sources)]
    assert len(keys) > 15
    assert [key for key in keys if key not in FRENCH] == []


CHARACTERS = st.text(st.characters(codec=None), max_size=120)
MARKDOWN = st.text(
    st.sampled_from("<>&\"'`*_[]()!#|-{}%=:/\\ \n\r\t\x00\x0b\ud800\ufffe\u202eaé;1."), max_size=200
)


@given(title=CHARACTERS | MARKDOWN, body=CHARACTERS | MARKDOWN, link=CHARACTERS, place=MARKDOWN)
@example(title=HOSTILE, body=HOSTILE, link=HOSTILE, place=HOSTILE)
@example(title="]]>", body="</style><script>", link="javascript:alert(1)", place="-->")
@settings(max_examples=150, deadline=None)
def test_no_text_breaks_out_of_the_markup(title: str, body: str, link: str, place: str) -> None:
    one = full(title=title, body=body, link=link, place=place)
    plain = full(title="T", body="b", link="https://example.org/", place="p")
    manifest = publish(one)
    text = PAGES.page(manifest.records[0])
    strict_but_for_text = html5lib.HTMLParser(strict=False).parse(io.StringIO(text))
    assert skeleton(strict_but_for_text) == skeleton(strict(page(plain)))
    assert skeleton(html5lib.parse(PAGES.index(manifest, NOW))) == skeleton(
        html5lib.parse(PAGES.index(publish(plain), NOW))
    )
    assert structured(text)["@type"] == "Event"
    text.encode()
    ElementTree.fromstring(atom(manifest, SITE, NOW))
    json.loads(json_feed(manifest, SITE))
    PAGES.banner(manifest, NOW).encode("ascii", "xmlcharrefreplace")
    assert Manifest.model_validate_json(manifest.model_dump_json()) == manifest


def skeleton(tree: ElementTree.Element) -> list[str]:
    """The elements that are ours: everything but what Markdown may make of the text, and facts left out."""
    ours = (
        "html",
        "head",
        "meta",
        "title",
        "style",
        "script",
        "header",
        "main",
        "article",
        "footer",
        "section",
        "h1",
        "h2",
    )
    return [str(e.tag) for e in tree.iter() if str(e.tag).removeprefix(HTML) in ours]


def test_the_index_tells_the_day_of_an_event_from_that_of_its_publishing() -> None:
    english = full(id="20261128-other1", language="en")
    tree = strict(PAGES.index(publish(full(), english), NOW))
    said = [words(p) for p in tree.iter(HTML + "p") if p.get("class") in ("event", "line")]
    assert [line for line in said if "Dec" in line or "déc" in line] == [
        "When: Saturday, December 5, 2026 at 2:00 PM",
        "Quand : samedi 5 décembre 2026 à 14 h 00",
    ]
    assert sum("Publié le samedi 28 novembre 2026" in line for line in said) == 1
    assert sum("Published on Saturday, November 28" in line for line in said) == 1


@pytest.mark.parametrize(
    ("body", "levels"),
    [("## Un\n\n## Deux", ["h3", "h3"]), ("# Un\n\n### Deux\n\n# Trois", ["h3", "h4", "h3"]), ("Texte", [])],
)
def test_headings_of_a_text_leave_no_gap_below_the_title(body: str, levels: list[str]) -> None:
    tree = strict(page(full(body=body)))
    found = [e.tag.removeprefix(HTML) for e in tree.iter() if re.fullmatch(HTML + "h[3-6]", e.tag)]
    assert found == levels
