"""Status feeds: real shapes of six kinds, named components, and everything that is no feed."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from fallback_cast.health import feeds
from fallback_cast.health.feeds import READERS, StatusFeed
from fallback_cast.model.health import Signal
from fallback_cast.model.texts import say
from tests.channels.watching import open_sockets, settled
from tests.counterparts import http_faults as http
from tests.counterparts.http_faults import HttpFaults


def statuspage(indicator: str = "none", **components: str) -> dict[str, Any]:
    return {
        "page": {"name": "Provider"},
        "status": {"indicator": indicator, "description": "…"},
        "components": [{"name": name, "status": state} for name, state in components.items()],
        "incidents": [],
    }


def instatus(state: str = "UP") -> dict[str, Any]:
    return {"page": {"name": "Provider", "status": state}, "activeIncidents": []}


def instatus_components(**components: str) -> dict[str, Any]:
    return {"components": [{"id": "x", "name": name, "status": state} for name, state in components.items()]}


def betterstack(state: str = "operational", **resources: str) -> dict[str, Any]:
    rows = [
        {"type": "status_page_resource", "attributes": {"public_name": name, "status": status}}
        for name, status in resources.items()
    ]
    data = {"type": "status_page", "attributes": {"aggregate_state": state}}
    return {"data": data, "included": [{"type": "status_page_section", "attributes": {}}, *rows]}


def slack(*incidents: tuple[str, list[str]]) -> dict[str, Any]:
    rows = [{"type": kind, "services": services, "title": "…"} for kind, services in incidents]
    return {"status": "active" if rows else "ok", "active_incidents": rows}


def google(*incidents: tuple[str | None, str, list[str]]) -> list[dict[str, Any]]:
    return [
        {
            "id": "x",
            "begin": "2026-11-01T00:00:00+00:00",
            **({"end": end} if end else {}),
            "status_impact": impact,
            "affected_products": [{"title": title, "id": "y"} for title in products],
        }
        for end, impact, products in incidents
    ]


def rss(items: int) -> str:
    event = "<item><title>Elevated errors</title></item>"
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>x</title>{event * items}</channel></rss>'


ENDED = "2026-11-01T01:00:00+00:00"
CASES = [
    ("statuspage", statuspage(), (), None),
    ("statuspage", statuspage("minor"), (), None),
    ("statuspage", statuspage("maintenance"), (), None),
    ("statuspage", statuspage("major"), (), "major"),
    ("statuspage", statuspage("critical"), (), "critical"),
    ("statuspage", statuspage("critical", API="operational"), ("API",), None),
    ("statuspage", statuspage("none", API="partial_outage"), ("api",), "API: partial_outage"),
    ("statuspage", statuspage("none", API="degraded_performance"), ("API",), "API: degraded_performance"),
    ("statuspage", statuspage("none", API="under_maintenance"), ("API",), None),
    ("statuspage", statuspage("none", API="major_outage", SMS="operational"), ("SMS",), None),
    ("instatus", instatus(), (), None),
    ("instatus", instatus("UNDERMAINTENANCE"), (), None),
    ("instatus", instatus("HASISSUES"), (), "hasissues"),
    ("instatus", instatus_components(API="OPERATIONAL"), ("API",), None),
    ("instatus", instatus_components(API="MAJOROUTAGE"), ("API",), "API: majoroutage"),
    ("betterstack", betterstack(), (), None),
    ("betterstack", betterstack("degraded"), (), None),
    ("betterstack", betterstack("downtime"), (), "downtime"),
    ("betterstack", betterstack("downtime", API="operational"), ("API",), None),
    ("betterstack", betterstack("operational", API="downtime"), ("API",), "API: downtime"),
    ("slack", slack(), (), None),
    ("slack", slack(("maintenance", ["Messaging"])), (), None),
    ("slack", slack(("outage", ["Messaging"])), (), "active"),
    ("slack", slack(("incident", ["Calls"])), ("Messaging",), None),
    ("slack", slack(("incident", ["Calls", "Messaging"])), ("Messaging",), "Messaging: incident"),
    ("google", google(), (), None),
    ("google", google((ENDED, "SERVICE_OUTAGE", ["Gmail"])), (), None),
    ("google", google((None, "SERVICE_INFORMATION", ["Gmail"])), (), None),
    ("google", google((None, "SERVICE_OUTAGE", ["Gmail"])), (), "service_outage"),
    ("google", google((None, "SERVICE_OUTAGE", ["Drive"])), ("Gmail",), None),
    ("google", google((None, "SERVICE_DISRUPTION", ["Gmail"])), ("Gmail",), "Gmail: service_disruption"),
    ("meta", rss(0), (), None),
    ("meta", rss(2), (), "event"),
]


def written(content: Any) -> str:
    return content if isinstance(content, str) else json.dumps(content)


async def read(faults: HttpFaults, kind: str, content: Any, components: tuple[str, ...] = ()) -> Any:
    faults.always(http.reply(200, written(content)))
    return await StatusFeed(kind, faults.url + "/feed", components).look()


@pytest.mark.parametrize(("kind", "content", "components", "what"), CASES)
async def test_what_a_feed_says(
    http_faults: HttpFaults, kind: str, content: Any, components: tuple[str, ...], what: str | None
) -> None:
    said = await read(http_faults, kind, content, components)
    if what is None:
        assert (said.signal, said.detail) == (None, "its status page reports nothing")
    else:
        assert said.signal is Signal.HINT
        assert said.detail == f"its status page reports an incident ({what})"
    assert say("fr", said.detail).startswith("sa page d'état ne signale rien" if what is None else "sa page")
    assert [request.target for request in http_faults.requests] == ["/feed"]


@pytest.mark.parametrize("kind", ["statuspage", "betterstack", "instatus"])
async def test_a_component_that_the_page_does_not_have_is_said(http_faults: HttpFaults, kind: str) -> None:
    content = {
        "statuspage": statuspage("critical"),
        "betterstack": betterstack("downtime"),
        "instatus": instatus(),
    }
    said = await read(http_faults, kind, content[kind], ("APi v3",))
    assert said.signal is None
    assert "does not know the components" in said.detail


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    '<rss version="2.0"><channel><item><title>&b;</title></item></channel></rss>'
)
OUTSIDE = (
    '<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a SYSTEM "file:///etc/hostname">]>'
    '<rss version="2.0"><channel><item><title>&a;</title></item></channel></rss>'
)


@pytest.mark.parametrize("kind", READERS)
@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[",
        "null",
        "3",
        '"x"',
        "[[]]",
        "[3]",
        '{"status": 1, "page": 2, "data": 3}',
        "<html/>",
        BOMB,
        OUTSIDE,
    ],
)
async def test_what_is_no_feed_says_nothing(http_faults: HttpFaults, kind: str, content: str) -> None:
    said = await read(http_faults, kind, content)
    assert (said.signal, said.detail) == (None, "its status page cannot be read")


@pytest.mark.parametrize(
    "script",
    [
        http.reply(404),
        http.reply(500, "{}"),
        http.redirect("http://elsewhere.example/feed"),
        http.hang(),
        http.reset(),
        http.nonsense(),
    ],
)
async def test_a_feed_that_is_down_says_nothing_and_nothing_else_is_called(
    http_faults: HttpFaults, monkeypatch: pytest.MonkeyPatch, script: http.Script
) -> None:
    monkeypatch.setattr(feeds, "LOOK_S", 0.3)
    http_faults.always(script)
    before, started = open_sockets(), time.monotonic()
    said = await StatusFeed("statuspage", http_faults.url + "/feed").look()
    assert (said.signal, said.detail) == (None, "its status page cannot be read")
    assert time.monotonic() - started < 4
    assert len(http_faults.requests) == 1
    await settled(before)


async def test_words_of_strangers_are_not_repeated(http_faults: HttpFaults) -> None:
    evil = "<b>call +33 1 99 00 00 00</b>_outage"
    said = await read(http_faults, "statuspage", statuspage("none", API=evil), ("API",))
    assert said.detail == "its status page reports an incident (API: ?)"


async def test_a_feed_too_long_to_read_whole_still_shows_its_newest(http_faults: HttpFaults) -> None:
    old = google(*[(ENDED, "SERVICE_OUTAGE", ["Gmail", "x" * 1000])] * 1500)
    said = await read(http_faults, "google", google((None, "SERVICE_OUTAGE", ["Gmail"])) + old, ("Gmail",))
    assert said.signal is Signal.HINT


@pytest.mark.parametrize(
    ("kind", "components", "path"),
    [
        ("statuspage", (), "/api/v2/summary.json"),
        ("instatus", (), "/summary.json"),
        ("instatus", ("API",), "/v2/components.json"),
        ("betterstack", (), "/index.json"),
        ("slack", (), "/api/v2.0.0/current"),
        ("google", (), "/appsstatus/dashboard/incidents.json"),
    ],
)
@pytest.mark.parametrize("slash", ["", "/"])
async def test_the_page_alone_is_enough(
    http_faults: HttpFaults, kind: str, components: tuple[str, ...], path: str, slash: str
) -> None:
    await StatusFeed(kind, http_faults.url + slash, components).look()
    assert [request.target for request in http_faults.requests] == [path]


async def test_all_feeds_are_read_at_once(http_faults: HttpFaults) -> None:
    http_faults.always(http.delayed(1.0, http.reply(200, written(statuspage("major")))))
    named = {name: StatusFeed("statuspage", http_faults.url) for name in ("email", "sms", "telegram")}
    started = time.monotonic()
    said = await feeds.read_all(named)
    assert time.monotonic() - started < 2.8
    assert {name: word.signal for name, word in said.items()} == dict.fromkeys(named, Signal.HINT)
    assert await feeds.read_all({}) == {}


@pytest.fixture
def hours(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """What the monotonic clock of the feed says."""
    now = [1000.0]
    monkeypatch.setattr(feeds, "time", type("Clock", (), {"monotonic": staticmethod(lambda: now[0])}))
    return now


async def test_it_is_asked_rarely_and_only_for_news(http_faults: HttpFaults, hours: list[float]) -> None:
    http_faults.next(
        http.reply(200, written(statuspage("major")), headers={"ETag": '"1"'}),
        http.reply(304),
        http.reply(500),
        http.reply(304),
        http.reply(200, written(statuspage())),
    )
    feed = StatusFeed("statuspage", http_faults.url)
    seen = []
    for passed in (0, 60, 61, 120, 120, 120):
        hours[0] += passed
        seen.append((await feed.look()).signal)
    assert seen == [Signal.HINT, Signal.HINT, Signal.HINT, None, Signal.HINT, None]
    asked = [request.headers.get("if-none-match") for request in http_faults.requests]
    assert asked == [None, '"1"', '"1"', '"1"', '"1"']
