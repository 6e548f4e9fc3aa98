"""One copy of the site: published in a thread, and looked at as its readers would."""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from fallback_cast.channels.kit import probe
from fallback_cast.channels.kit.http import HttpClient, ssl_context
from fallback_cast.channels.site.manifest import Manifest, Record
from fallback_cast.channels.site.publish import Publisher
from fallback_cast.channels.site.target import Target
from fallback_cast.model.announcement import Announcement
from fallback_cast.model.channel import Endpoint, Provider
from fallback_cast.model.errors import Layer, SendError, Unavailable
from fallback_cast.model.health import Check, failed_check
from fallback_cast.model.message import Accepted, Message

if TYPE_CHECKING:
    from fallback_cast.channels.site.mirrors import Mirrors

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SiteMessage(Message):
    """The page itself is written with its times when it is published; the manifest knows them."""

    announcement: Announcement


def wall_clock() -> datetime:
    return datetime.now(UTC)


class Shown:
    """The public address of a copy. `url` ends with a slash."""

    def __init__(self, url: str, ca_file: Path | None, read_back_s: float) -> None:
        parts = urlsplit(url)
        self.url = url
        self._path, self._read_back_s = parts.path, read_back_s
        self._tls = ssl_context(ca_file) if parts.scheme == "https" else None
        self._client = HttpClient(
            f"{parts.scheme}://{parts.netloc}", ca_file=ca_file, connect_s=read_back_s, read_s=read_back_s
        )
        self.endpoint = self._client.endpoint

    async def probe(self) -> list[Check]:
        return await probe.probe_http(self._client, self._ask, tls=self._tls)

    async def close(self) -> None:
        await self._client.close()

    async def read_back(self, record: Record) -> Accepted:
        """Delivered only if a reader would now get this revision, or a later one."""
        try:
            async with asyncio.timeout(self._read_back_s):
                note = await self._look(record)
        except TimeoutError:
            note = "the public page does not answer in time"
        except SendError as error:
            note = f"the public page does not answer: {error.reason}"
        return Accepted(self.url + record.page, delivered=not note, note=note)

    async def _ask(self, client: HttpClient) -> str:
        """Before the first announcement there is nothing to find: any answer below 500 will do."""
        response = await client.request("HEAD", self._path)
        if response.status_code >= 500:
            raise Unavailable(f"HTTP {response.status_code}")
        return f"HTTP {response.status_code}"

    async def _look(self, record: Record) -> str:
        """What is wrong with the public page; empty if nothing is. The query passes by caches."""
        fresh = f"{self._path}{record.page}?v={secrets.token_hex(8)}"
        response = await self._client.request("GET", fresh, headers={"cache-control": "no-cache"})
        if response.status_code != 200:
            return f"the public address does not show the page: HTTP {response.status_code}"
        seen = _marker(record.announcement.id).search(response.content)
        if seen is None:
            return "the public address shows another page: directory and url may not belong together"
        revision = int(seen[1])
        return "" if revision >= record.announcement.revision else f"readers still see revision {revision}"


class Copy(Provider):
    """A provider of the site: one folder, here or on a server, and what readers see of it."""

    max_in_flight = 1

    def __init__(
        self,
        name: str,
        publisher: Publisher,
        shown: Shown | None,
        mirrors: Mirrors,
        *,
        failure_domains: frozenset[str],
        target: Target | None = None,
        clock: Callable[[], datetime] = wall_clock,
    ) -> None:
        self.name = name
        self.failure_domains = failure_domains
        self.publisher = publisher
        self.shown = shown
        self._mirrors = mirrors
        self.remote = target is not None
        self.deduplicates = True
        self._target = target
        self._clock = clock
        self._writing: set[asyncio.Future[Any]] = set()
        ends = [shown.endpoint] if shown else []
        if target:
            ends.insert(0, Endpoint(target.host, target.port, target.scheme == "davs"))
        self.endpoints = tuple(ends)

    async def send(self, message: Message, address: str, key: str) -> Accepted:
        """Write page, index and feeds, then look at the public page; the other copies follow behind.

        If readers cannot see it here, the address of a copy where they can is the reference.
        """
        assert isinstance(message, SiteMessage)
        record = await self.publish(message.announcement)
        following = self._mirrors.follow(self)
        accepted = await self.read_back(record)
        if accepted.delivered or following is None:
            return accepted
        return await self._mirrors.seen(record, following, self) or accepted

    async def edit(self, message: Message, address: str, reference: str, key: str) -> Accepted:
        """The page has one place: writing it is writing over it."""
        return await self.send(message, address, key)

    async def publish(self, announcement: Announcement) -> Record:
        """Write page, index and feeds; raises as `Publisher.publish` does."""
        return await self.aside(self.publisher.publish, announcement, self._clock())

    async def refresh(self) -> bool:
        """As `Publisher.refresh`."""
        return await self.aside(self.publisher.refresh, self._clock())

    async def manifest(self) -> Manifest:
        """What stands here. Raises AccessDenied or Unavailable."""
        return await self.aside(self.publisher.manifest)

    async def read_back(self, record: Record) -> Accepted:
        if self.shown is None:
            return Accepted(note="no public address is set, so nobody looked at the page")
        return await self.shown.read_back(record)

    async def probe(self) -> list[Check]:
        """The way to the folder and the folder first: they are what a send needs. Then as a reader comes."""
        checks = await self._probe_writing()
        well = failed_check(checks) is None
        self._mirrors.note(self, well)
        return [*checks, *(await self.shown.probe() if well and self.shown else ())]

    async def _probe_writing(self) -> list[Check]:
        checks: list[Check] = []
        if self._target:
            secure = ssl_context(self._target.ca_file) if self._target.scheme == "davs" else None
            checks += await probe.probe_connection(self._target.host, self._target.port, secure)
            if failed_check(checks):
                return checks
        return [*checks, await self._probe_folder()]

    async def close(self) -> None:
        """Also waits for what a cancelled send still writes: a thread cannot be stopped half-way."""
        while self._writing:
            await asyncio.wait(self._writing)
        if self.shown:
            await self.shown.close()

    async def aside(self, work: Callable[..., T], *arguments: object) -> T:
        """Run blocking work in a thread, to its end even if the caller is cancelled."""
        return await asyncio.shield(self.hold(asyncio.ensure_future(asyncio.to_thread(work, *arguments))))

    def hold(self, task: asyncio.Future[T]) -> asyncio.Future[T]:
        """Let `close` wait for this; whoever waits for it sees its fault, and nobody need."""
        self._writing.add(task)
        task.add_done_callback(self._written)
        return task

    def _written(self, writing: asyncio.Future[Any]) -> None:
        self._writing.discard(writing)
        if not writing.cancelled():
            writing.exception()

    async def _probe_folder(self) -> Check:
        started = time.perf_counter()
        try:
            await asyncio.to_thread(self.publisher.check)
        except SendError as error:
            layer = error.layer or Layer.SERVICE
            return Check(layer, False, time.perf_counter() - started, error.reason)
        return Check(Layer.SERVICE, True, time.perf_counter() - started, "the folder can be written")


def _marker(announcement_id: str) -> re.Pattern[bytes]:
    return re.compile(
        b'<meta name="fallback-cast" content="' + re.escape(announcement_id.encode()) + rb'\.(\d{1,9})">'
    )
