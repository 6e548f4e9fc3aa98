"""What a provider's own status page says: a hint, never more (design §6).

It lags, it may share the failed platform, and it is written by people. So it raises suspicion, and
opens or closes nothing. Only the feeds named in the settings are read, and no link in them is followed.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fallback_cast.channels.kit.http import MAX_ANSWER_BYTES, HttpClient
from fallback_cast.model.errors import SendError
from fallback_cast.model.health import Signal
from fallback_cast.model.texts import Phrase

LOOK_S = 5.0
REST_S = 120.0  # feeds are read no more often than this; what was read holds meanwhile

FINE = Phrase("its status page reports nothing")
UNREADABLE = Phrase("its status page cannot be read")
UNKNOWN_PART = Phrase("its status page does not know the components in the settings")

# Where each kind keeps its feed, if the settings name only the page (facts §8, read 2026-11).
_USUAL_PATHS = {
    "statuspage": "/api/v2/summary.json",
    "instatus": "/summary.json",
    "betterstack": "/index.json",
    "slack": "/api/v2.0.0/current",
    "google": "/appsstatus/dashboard/incidents.json",
}
_LIST_ALL = ("statuspage", "instatus", "betterstack")  # the others name a component only while it fails


@dataclass(frozen=True, slots=True)
class StatusWord:
    """One look at a feed: HINT if it reports an incident, else no signal; and what it said."""

    signal: Signal | None
    detail: str


class StatusFeed:
    """The status feed of one provider. It remembers what it read last."""

    def __init__(
        self, kind: str, url: str, components: Sequence[str] = (), ca_file: Path | None = None
    ) -> None:
        parts = urlsplit(url)
        self._kind, self._read = kind, READERS[kind]
        self._components = frozenset(name.casefold() for name in components)
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._path = parts.path + (f"?{parts.query}" if parts.query else "")
        if self._path in ("", "/"):
            by_component = kind == "instatus" and components
            self._path = "/v2/components.json" if by_component else _USUAL_PATHS.get(kind, "/")
        self._ca_file = ca_file
        self._etag, self._unchanged = "", StatusWord(None, UNREADABLE)
        self._last: StatusWord | None = None
        self._looked_at = 0.0  # by time.monotonic

    async def look(self) -> StatusWord:
        """What the feed says, as of the last REST_S seconds. Never raises for a fault; LOOK_S at most."""
        if self._last is None or time.monotonic() - self._looked_at >= REST_S:
            self._looked_at = time.monotonic()
            self._last = await self._fetch()
        return self._last

    async def _fetch(self) -> StatusWord:
        headers = {"if-none-match": self._etag} if self._etag else {}
        try:
            async with asyncio.timeout(LOOK_S), self._client() as client:
                response = await client.request("GET", self._path, headers=headers)
        except (SendError, TimeoutError):
            return StatusWord(None, UNREADABLE)
        if response.status_code == 304:
            return self._unchanged
        if response.status_code != 200:
            return StatusWord(None, UNREADABLE)
        try:
            found = read_parts(self._kind, self._read(response.content), self._components)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return StatusWord(None, UNREADABLE)
        self._etag, self._unchanged = response.headers.get("etag", ""), found
        return found

    def _client(self) -> HttpClient:
        return HttpClient(self._origin, ca_file=self._ca_file, read_s=LOOK_S, max_connections=1)


async def read_all(feeds: Mapping[str, StatusFeed]) -> Mapping[str, StatusWord]:
    """What each channel's status feed says, all read at once."""
    return dict(zip(feeds, await asyncio.gather(*(feed.look() for feed in feeds.values())), strict=True))


@dataclass(frozen=True, slots=True)
class Part:
    """What a feed says of one component; of the whole page, if `name` is empty."""

    name: str
    state: str
    broken: bool


def read_parts(kind: str, parts: Iterable[Part], components: frozenset[str]) -> StatusWord:
    """Named components count alone: a page's overall word is about whatever it carries."""
    parts = list(parts)
    if components:
        parts = [part for part in parts if part.name.casefold() in components]
        if not parts and kind in _LIST_ALL:
            return StatusWord(None, UNKNOWN_PART)
    broken = next((part for part in parts if part.broken), None)
    if broken is None:
        return StatusWord(None, FINE)
    what = f"{broken.name}: {broken.state}" if components else broken.state
    return StatusWord(Signal.HINT, Phrase("its status page reports an incident ({what})", what=what))


# -- readers: from a feed's bytes to its parts. Strange ones raise ValueError, KeyError, TypeError …


def _statuspage(content: bytes) -> Iterator[Part]:
    """Atlassian Statuspage and incident.io, /api/v2/summary.json."""
    page = json.loads(content)
    indicator = page["status"]["indicator"]
    yield Part("", _word(indicator), indicator in ("major", "critical"))
    for component in page.get("components", ()):
        state = component["status"]
        yield Part(component["name"], _word(state), state.endswith(("outage", "degraded_performance")))


def _instatus(content: bytes) -> Iterator[Part]:
    """Instatus, /summary.json or /v2/components.json."""
    page = json.loads(content)
    if "page" in page:
        state = page["page"]["status"]
        yield Part("", _word(state), state == "HASISSUES")
    for component in page.get("components", ()):
        state = component["status"]
        yield Part(component["name"], _word(state), state.endswith(("OUTAGE", "DEGRADEDPERFORMANCE")))


def _betterstack(content: bytes) -> Iterator[Part]:
    """Better Stack, /index.json (JSON:API)."""
    page = json.loads(content)
    state = page["data"]["attributes"]["aggregate_state"]
    yield Part("", _word(state), state == "downtime")
    for row in page.get("included", ()):
        if row["type"] == "status_page_resource":
            state = row["attributes"]["status"]
            yield Part(row["attributes"]["public_name"], _word(state), state in ("degraded", "downtime"))


def _slack(content: bytes) -> Iterator[Part]:
    """Slack's own API, version 2.0.0."""
    page = json.loads(content)
    incidents = [i for i in page["active_incidents"] if i["type"] in ("incident", "outage")]
    yield Part("", _word(page["status"]), bool(incidents))
    for incident in incidents:
        for name in incident["services"]:
            yield Part(name, _word(incident["type"]), True)


def _google(content: bytes) -> Iterator[Part]:
    """Google Workspace: every incident of years, the newest first; open is what has no end."""
    for incident in _items(content):
        if not incident.get("end"):
            impact = incident["status_impact"]
            broken = impact in ("SERVICE_OUTAGE", "SERVICE_DISRUPTION")
            yield Part("", _word(impact), broken)
            for product in incident.get("affected_products", ()):
                yield Part(product["title"], _word(impact), broken)


def _items(content: bytes) -> Iterator[Mapping[str, Any]]:
    """The objects of a JSON list, one by one: a list that was cut for its size still begins well."""
    text = content.decode(errors="replace").lstrip()
    if not text.startswith("["):
        raise ValueError("no list")
    decoder, position = json.JSONDecoder(), _skip(text, 1)
    while not text.startswith("]", position):
        try:
            item, position = decoder.raw_decode(text, position)
        except ValueError:
            if len(content) > MAX_ANSWER_BYTES:
                return
            raise
        yield item
        position = _skip(text, position)


def _skip(text: str, position: int) -> int:
    while position < len(text) and text[position] in ", \r\n\t":
        position += 1
    return position


def _meta(content: bytes) -> Iterator[Part]:
    """Meta's RSS for business products: an item is an open event, and no item is good news."""
    from defusedxml import ElementTree
    from defusedxml.common import DefusedXmlException

    try:
        feed = ElementTree.fromstring(content)
    except (ElementTree.ParseError, DefusedXmlException) as error:
        raise ValueError("no RSS") from error
    if feed.tag != "rss":
        raise ValueError("no RSS")
    yield Part("", "event", feed.find("./channel/item") is not None)


def _word(state: object) -> str:
    """A provider's own constant, safe to show."""
    word = str(state).lower()
    return word if word.replace("_", "").isalnum() and len(word) <= 40 else "?"


READERS: Mapping[str, Callable[[bytes], Iterator[Part]]] = {
    "statuspage": _statuspage,
    "instatus": _instatus,
    "betterstack": _betterstack,
    "slack": _slack,
    "google": _google,
    "meta": _meta,
}
