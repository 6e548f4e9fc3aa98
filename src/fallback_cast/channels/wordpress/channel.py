"""The channel: look the post up by its short name, write it, and look whether readers can see it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from fallback_cast.channels.kit import probe
from fallback_cast.channels.kit.http import HttpClient, ssl_context
from fallback_cast.channels.kit.settings import BuildContext
from fallback_cast.channels.wordpress.answers import looked_up, written
from fallback_cast.channels.wordpress.post import PostMessage, compose, revision_in
from fallback_cast.channels.wordpress.settings import Settings
from fallback_cast.model.announcement import Announcement
from fallback_cast.model.channel import Channel, Provider, Traits
from fallback_cast.model.errors import (
    AccessDenied,
    Layer,
    MessageRefused,
    OutcomeUnknown,
    SendError,
    Unavailable,
)
from fallback_cast.model.health import Check
from fallback_cast.model.message import Accepted, Message

API = "/wp-json/wp/v2"
READ_BACK_S = 3.0
PLACE = "posts"


class WordPressChannel(Channel, Provider):
    """A channel with one provider: the site. Its only address is `posts`.

    WordPress refuses no second post of the same short name, it renames it: so each send first reads
    whether the post is there, and then makes its one write, which creates or overwrites. A read messages
    nobody and may be repeated; what a send may do once is write (the contract's "one request").
    """

    kind = "wordpress"
    deduplicates = True
    max_in_flight = 4  # shared hosting allows few at once

    def __init__(
        self,
        settings: Settings,
        context: BuildContext,
        *,
        read_back_s: float = READ_BACK_S,
    ) -> None:
        self.name = settings.name
        self.always = settings.always is not False
        self.audience_some = settings.audience == "some"
        self.traits = Traits(deduplicates=True, edits=True, publishes=True, local=settings.needs == "local")
        self.providers: Sequence[Provider] = (self,)
        self._club = context.club
        self._read_back_s = read_back_s
        self._categories = list(settings.categories)
        base = str(settings.url).rstrip("/")
        self.failure_domains = frozenset(settings.failure_domains or (urlsplit(base).hostname or self.name,))
        self._ca_file = settings.ca_file and context.base_dir / settings.ca_file
        self._client = HttpClient(
            base,
            auth=(settings.username, settings.password.reveal()),
            headers={"accept": "application/json"},  # WordPress then gives its own errors as JSON, too
            ca_file=self._ca_file,
            read_s=settings.timeout.total_seconds(),
        )
        self.endpoints = (self._client.endpoint,)
        self._tls = ssl_context(self._ca_file) if base.startswith("https:") else None
        # As a reader comes: without the password, and only where the settings say that the club's pages are.
        self._origins = {_origin(url) for url in (base, context.club.site_url) if url}
        self._readers: dict[str, HttpClient] = {}

    def place(self) -> str:
        return PLACE

    def normalise(self, address: str) -> str:
        if address != PLACE:
            raise ValueError("a WordPress site has one address, its posts")
        return address

    def render(self, announcement: Announcement, page_url: str | None = None) -> PostMessage:
        try:
            return compose(announcement, self._club)
        except ValueError as error:
            raise MessageRefused(str(error)) from None

    async def send(self, message: Message, address: str, key: str) -> Accepted:
        assert isinstance(message, PostMessage)
        return await self._publish(message, await self._find(self._client, message))

    async def edit(self, message: Message, address: str, reference: str, key: str) -> Accepted:
        """Make the post say this instead; it is found by its short name, which all revisions share.

        Raises MessageRefused if it is there no more, else as `send`.
        """
        assert isinstance(message, PostMessage)
        found = await self._find(self._client, message)
        if found is None:
            raise MessageRefused("the post is gone")
        return await self._publish(message, found)

    async def probe(self) -> list[Check]:
        return await probe.probe_http(
            self._client, self._ask_site, (self._ask_account, Layer.ACCOUNT), tls=self._tls
        )

    async def close(self) -> None:
        await self._client.close()
        for reader in self._readers.values():
            await reader.close()

    # -- the post ------------------------------------------------------------------------------

    async def _find(self, client: HttpClient, message: PostMessage) -> dict[str, Any] | None:
        """The announcement's post, also a draft. Changes nothing, so it never ends OutcomeUnknown.

        `-2` is what WordPress made of the name if it was taken by a post that we may not see.
        """
        wanted = (message.slug, f"{message.slug}-2")
        query = {"slug": ",".join(wanted), "status": "any", "context": "edit"}
        try:
            response = await client.request("GET", f"{API}/posts", params=query)
        except OutcomeUnknown as error:
            raise _nothing_changed(error) from None
        found = looked_up(response)
        posts = [post for post in found if _is_post(post)] if isinstance(found, list) else None
        if posts is None or len(posts) != len(found):
            raise _nothing_changed(OutcomeUnknown("the answer is not WordPress's"))
        posts = [post for post in posts if post["slug"] in wanted]
        return min(posts, key=lambda post: post["slug"] != message.slug, default=None)

    async def _publish(self, message: PostMessage, found: dict[str, Any] | None) -> Accepted:
        if found is not None and _shows_later(found, message):
            return await self._read_back(message, found)  # what is late does not undo a correction
        try:
            post = await self._write(message, found)
        except OutcomeUnknown as error:
            post = await self._written_all_the_same(message, error)
        return await self._read_back(message, post)

    async def _write(self, message: PostMessage, found: dict[str, Any] | None) -> dict[str, Any]:
        """The one write of a send."""
        body = {
            "title": message.title,
            "content": message.content,
            "status": "publish",
            "slug": message.slug if found is None else found["slug"],
        }
        if self._categories:
            body["categories"] = self._categories
        path = f"{API}/posts" if found is None else f"{API}/posts/{found['id']}"
        return dict(written(await self._client.request("POST", path, json=body)))

    async def _written_all_the_same(self, message: PostMessage, fault: OutcomeUnknown) -> dict[str, Any]:
        """The answer was lost: what does WordPress show now? Raises `fault` if that does not tell.

        Not there proves nothing: the write may still be on its way.
        """
        try:
            async with self._client.fresh(connect_s=self._read_back_s, read_s=self._read_back_s) as client:
                found = await self._find(client, message)
        except SendError:
            found = None
        if found is None or found.get("status") != "publish" or not _shows(found, message):
            raise fault
        return found

    # -- what readers see ----------------------------------------------------------------------

    async def _read_back(self, message: PostMessage, post: dict[str, Any]) -> Accepted:
        """Delivered only if a reader would now get this revision, or a later one."""
        link = post.get("link")
        if not isinstance(link, str) or _origin(link) not in self._origins:
            return Accepted(note="the post is at another address than url, so nobody looked at it")
        try:
            async with asyncio.timeout(self._read_back_s):
                note = await self._look(link, message)
        except TimeoutError:
            note = "the public page does not answer in time"
        except SendError as error:
            note = f"the public page does not answer: {error.reason}"
        return Accepted(link, delivered=not note, note=note)

    async def _look(self, link: str, message: PostMessage) -> str:
        """What is wrong with the public page; empty if nothing is. The query passes by caches."""
        parts = urlsplit(link)
        query = f"{parts.query}&" if parts.query else ""
        path = f"{parts.path or '/'}?{query}v={secrets.token_hex(8)}"
        reader = self._reader(_origin(link))
        response = await reader.request("GET", path, headers={"cache-control": "no-cache"})
        if response.status_code != 200:
            return f"the public address does not show the page: HTTP {response.status_code}"
        seen = revision_in(response.content, message.id)
        if seen is None:
            return "the public address shows another page"
        return "" if seen >= message.revision else f"readers still see revision {seen}"

    def _reader(self, origin: str) -> HttpClient:
        if origin not in self._readers:
            self._readers[origin] = HttpClient(
                origin, ca_file=self._ca_file, connect_s=self._read_back_s, read_s=self._read_back_s
            )
        return self._readers[origin]

    # -- probes --------------------------------------------------------------------------------

    async def _ask_site(self, client: HttpClient) -> str:
        index = await _read(client, "/wp-json/")
        if "wp/v2" not in (index.get("namespaces") or ()):
            raise AccessDenied("no WordPress posts at this address: url is wrong")
        if not (index.get("authentication") or {}):
            raise AccessDenied("WordPress takes no application passwords here")
        return "WordPress answers"

    async def _ask_account(self, client: HttpClient) -> str:
        account = await _read(client, f"{API}/users/me?context=edit")
        rights = account.get("capabilities")
        rights = rights if isinstance(rights, dict) else {}
        if not (rights.get("publish_posts") and rights.get("edit_published_posts")):
            raise AccessDenied("the account may not publish posts: it needs the role Author or Editor")
        return "the account may publish"


async def _read(client: HttpClient, path: str) -> dict[str, Any]:
    value = looked_up(await client.request("GET", path))
    if not isinstance(value, dict):
        raise _nothing_changed(OutcomeUnknown("the answer is not WordPress's"))
    return value


def _nothing_changed(error: OutcomeUnknown) -> SendError:
    return Unavailable(error.reason, layer=error.layer)


def _is_post(value: object) -> bool:
    return isinstance(value, dict) and isinstance(value.get("id"), int) and isinstance(value.get("slug"), str)


def _revision_of(post: dict[str, Any], message: PostMessage) -> int | None:
    content = post.get("content")
    raw = content.get("raw") if isinstance(content, dict) else None
    return revision_in(raw.encode(), message.id) if isinstance(raw, str) else None


def _shows(post: dict[str, Any], message: PostMessage) -> bool:
    revision = _revision_of(post, message)
    return revision is not None and revision >= message.revision


def _shows_later(post: dict[str, Any], message: PostMessage) -> bool:
    """A later revision stands there, for everybody to read."""
    revision = _revision_of(post, message)
    return revision is not None and revision > message.revision and post.get("status") == "publish"


def _origin(url: str) -> str:
    """Scheme, host and port, as two addresses of one server are compared."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()
