"""The channel: render a record, publish it in a thread, and look whether readers can see it."""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

from fallback_cast.channels.kit import markup, probe, wording
from fallback_cast.channels.kit.http import HttpClient, ssl_context
from fallback_cast.channels.kit.settings import BuildContext
from fallback_cast.channels.site.manifest import Record, page_name, writable
from fallback_cast.channels.site.pages import Pages
from fallback_cast.channels.site.publish import Publisher
from fallback_cast.channels.site.settings import Settings, Site
from fallback_cast.model.announcement import Announcement
from fallback_cast.model.channel import Channel, Provider, Traits
from fallback_cast.model.errors import Layer, MessageRefused, SendError, Unavailable
from fallback_cast.model.health import Check
from fallback_cast.model.message import Accepted, Message

T = TypeVar("T")

READ_BACK_S = 3.0
LOCK_WAIT_S = 10.0


@dataclass(frozen=True, slots=True)
class SiteMessage(Message):
    """The page itself is written with its times when it is published; the manifest knows them."""

    announcement: Announcement


def _now() -> datetime:
    return datetime.now(UTC)


class SiteChannel(Channel, Provider):
    """A channel with one provider: the folder. Its only address is `folder`."""

    kind = "site"
    traits = Traits(deduplicates=True, edits=True, publishes=True, local=True)
    max_in_flight = 1

    def __init__(
        self,
        settings: Settings,
        context: BuildContext,
        *,
        clock: Callable[[], datetime] = _now,
        read_back_s: float = READ_BACK_S,
        lock_wait_s: float = LOCK_WAIT_S,
    ) -> None:
        self.name = settings.name
        self.always = settings.always is not False
        self.audience_some = settings.audience == "some"
        self.directory = context.base_dir / settings.directory
        self.providers: Sequence[Provider] = (self,)
        self._clock = clock
        self._writing: set[asyncio.Future[Any]] = set()
        self._read_back_s = read_back_s
        self._site = Site.of(settings, context)
        self._publisher = Publisher(self._site, Pages(self._site), self.directory, lock_wait_s)
        ca_file = settings.ca_file and context.base_dir / settings.ca_file
        parts = urlsplit(self._site.url or "")
        self.failure_domains = frozenset(settings.failure_domains or (parts.hostname or settings.name,))
        self._tls = ssl_context(ca_file) if parts.scheme == "https" else None
        self._folder_path = parts.path
        self._client = (
            HttpClient(
                f"{parts.scheme}://{parts.netloc}",
                ca_file=ca_file,
                connect_s=read_back_s,
                read_s=read_back_s,
            )
            if self._site.url
            else None
        )
        self.endpoints = (self._client.endpoint,) if self._client else ()

    def place(self) -> str:
        return "folder"

    def normalise(self, address: str) -> str:
        if address != "folder":
            raise ValueError("a site has one address, the folder in the settings")
        return address

    def page_url(self, announcement: Announcement) -> str | None:
        """Where readers will find the announcement, if the public address is known."""
        return self._site.address(page_name(announcement.id))

    def render(self, announcement: Announcement, page_url: str | None = None) -> SiteMessage:
        try:
            page_name(announcement.id)
        except ValueError as error:
            raise MessageRefused(str(error)) from None
        rows = [f"{fact.label}: {fact.value}" for fact in wording.facts(announcement, self._site.club, None)]
        parts = (wording.headline(announcement), markup.to_plain(announcement.body), "\n".join(rows))
        return SiteMessage(writable("\n\n".join(part for part in parts if part)), announcement)

    async def send(self, message: Message, address: str, key: str) -> Accepted:
        """Write page, index and feeds, then look at the public page with one request."""
        assert isinstance(message, SiteMessage)
        record = await self._aside(self._publisher.publish, message.announcement, self._clock())
        return await self._read_back(record)

    async def edit(self, message: Message, address: str, reference: str, key: str) -> Accepted:
        """The page has one place: writing it is writing over it."""
        return await self.send(message, address, key)

    async def refresh(self) -> bool:
        """Rebuild index, banner and feeds if something has expired since; messages nobody.

        Returns whether it was needed. Raises Unavailable, AccessDenied or OutcomeUnknown, as `send` does.
        """
        return await self._aside(self._publisher.refresh, self._clock())

    async def probe(self) -> list[Check]:
        """Folder first: it is what a send needs. Then the public address, as a reader would come."""
        folder = await self._probe_folder()
        if not folder.ok or self._client is None:
            return [folder]
        return [folder, *await probe.probe_http(self._client, self._ask, tls=self._tls)]

    async def close(self) -> None:
        """Also waits for what a cancelled send still writes: a thread cannot be stopped half-way."""
        if self._writing:
            await asyncio.wait(self._writing)
        if self._client:
            await self._client.close()

    async def _aside(self, work: Callable[..., T], *arguments: object) -> T:
        writing = asyncio.ensure_future(asyncio.to_thread(work, *arguments))
        self._writing.add(writing)
        writing.add_done_callback(self._written)
        return await asyncio.shield(writing)

    def _written(self, writing: asyncio.Future[Any]) -> None:
        self._writing.discard(writing)
        if not writing.cancelled():
            writing.exception()  # whoever waited has seen it; if nobody did, nobody needs it

    async def _probe_folder(self) -> Check:
        started = time.perf_counter()
        try:
            await asyncio.to_thread(self._publisher.check)
        except SendError as error:
            layer = error.layer or Layer.SERVICE
            return Check(layer, False, time.perf_counter() - started, error.reason)
        return Check(Layer.SERVICE, True, time.perf_counter() - started, "the folder can be written")

    async def _ask(self, client: HttpClient) -> str:
        """Before the first announcement there is nothing to find: any answer below 500 will do."""
        response = await client.request("HEAD", self._folder_path)
        if response.status_code >= 500:
            raise Unavailable(f"HTTP {response.status_code}")
        return f"HTTP {response.status_code}"

    async def _read_back(self, record: Record) -> Accepted:
        """Delivered only if a reader would now get this revision, or a later one."""
        if self._client is None:
            return Accepted(note="no public address is set, so nobody looked at the page")
        reference = self._site.address(record.page)
        try:
            async with asyncio.timeout(self._read_back_s):
                note = await self._look(self._client, record)
        except TimeoutError:
            note = "the public page does not answer in time"
        except SendError as error:
            note = f"the public page does not answer: {error.reason}"
        return Accepted(reference, delivered=not note, note=note)

    async def _look(self, client: HttpClient, record: Record) -> str:
        """What is wrong with the public page; empty if nothing is. The query passes by caches."""
        fresh = f"{self._folder_path}{record.page}?v={secrets.token_hex(8)}"
        response = await client.request("GET", fresh, headers={"cache-control": "no-cache"})
        if response.status_code != 200:
            return f"the public address does not show the page: HTTP {response.status_code}"
        seen = _marker(record.announcement.id).search(response.content)
        if seen is None:
            return "the public address shows another page: directory and url may not belong together"
        revision = int(seen[1])
        return "" if revision >= record.announcement.revision else f"readers still see revision {revision}"


def _marker(announcement_id: str) -> re.Pattern[bytes]:
    return re.compile(
        b'<meta name="fallback-cast" content="' + re.escape(announcement_id.encode()) + rb'\.(\d{1,9})">'
    )
