"""The channel: ranked copies of one site, a folder of this machine or folders on servers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from fallback_cast.channels.kit import markup, wording
from fallback_cast.channels.kit.settings import BuildContext
from fallback_cast.channels.site.copy import Copy, Shown, SiteMessage, wall_clock
from fallback_cast.channels.site.folder import DiskGround
from fallback_cast.channels.site.ground import Ground
from fallback_cast.channels.site.manifest import page_name, writable
from fallback_cast.channels.site.mirrors import Mirrors
from fallback_cast.channels.site.pages import Pages
from fallback_cast.channels.site.publish import Publisher
from fallback_cast.channels.site.remote import STEP_S, RemoteGround, Wire
from fallback_cast.channels.site.settings import Settings, Site
from fallback_cast.channels.site.target import ServerSettings, Target
from fallback_cast.model.announcement import Announcement
from fallback_cast.model.channel import Channel, Provider, Traits
from fallback_cast.model.errors import MessageRefused

READ_BACK_S = 3.0
LOCK_WAIT_S = 10.0


class SiteChannel(Channel):
    """Its only address is `folder`, whichever copy takes it; the other copies follow."""

    kind = "site"

    def __init__(
        self,
        settings: Settings,
        context: BuildContext,
        *,
        clock: Callable[[], datetime] = wall_clock,
        read_back_s: float = READ_BACK_S,
        lock_wait_s: float = LOCK_WAIT_S,
        step_s: float = STEP_S,
    ) -> None:
        self.name = settings.name
        self.always = settings.always is not False
        self.audience_some = settings.audience == "some"
        here = settings.directory is not None or settings.needs == "local"
        self.traits = Traits(deduplicates=True, edits=True, publishes=True, local=here)
        self._base = context.base_dir
        self._settings, self._clock = settings, clock
        self._read_back_s, self._lock_wait_s, self._step_s = read_back_s, lock_wait_s, step_s
        self._site = Site.of(settings, context)
        self._pages = Pages(self._site)
        self._mirrors = Mirrors(clock)
        self.copies: Sequence[Copy] = tuple(self._copies())
        self._mirrors.copies = self.copies
        self.providers: Sequence[Provider] = self.copies

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

    async def refresh(self) -> bool:
        """Rebuild index, banner and feeds of the folder here if something has expired since; messages nobody.

        Returns whether it was needed. Raises Unavailable, AccessDenied or OutcomeUnknown, as `send` does.
        """
        done = [await copy.refresh() for copy in self.copies if not copy.remote]
        return any(done)

    async def level(self) -> None:
        """Bring all copies up to date, also with what has expired; messages nobody, raises nothing."""
        await self._mirrors.level()

    def _copies(self) -> Iterator[Copy]:
        """The folder here is the first; the site's own address belongs to the first copy."""
        if self._settings.directory is not None:
            ground = DiskGround(self._base / self._settings.directory)
            yield self._copy(self.name, ground, self._site.url, self._settings.ca_file)
        for rank, server in enumerate(self._settings.server):
            target = server.resolved(self._base)
            ground_there = RemoteGround(target.key, partial(wire_of, target, self._step_s), self._step_s)
            first = rank == 0 and self._settings.directory is None
            url = str(server.url) if server.url else self._site.url if first else None
            yield self._copy(server.name or server.host, ground_there, url, server.ca_file, server, target)

    def _copy(
        self,
        name: str,
        ground: Ground,
        url: str | None,
        ca_file: Path | None,
        server: ServerSettings | None = None,
        target: Target | None = None,
    ) -> Copy:
        hosts = {target.host} if target else set()
        if url:
            url = url.rstrip("/") + "/"
            hosts.add(urlsplit(url).hostname or name)
        own = server.failure_domains if server else None
        shared = self._settings.failure_domains if not server or len(self._settings.server) == 1 else None
        return Copy(
            name,
            Publisher(self._site, self._pages, ground, self._lock_wait_s),
            Shown(url, ca_file and self._base / ca_file, self._read_back_s) if url else None,
            self._mirrors,
            failure_domains=frozenset(own or shared or hosts or {name}),
            target=target,
            clock=self._clock,
        )


def wire_of(target: Target, step_s: float) -> Wire:
    """A connection that is not open yet; its library loads only when a site names such a target."""
    if target.scheme == "sftp":
        from fallback_cast.channels.site.sftp import SftpWire

        return SftpWire(target)
    if target.scheme == "ftps":
        from fallback_cast.channels.site.ftps import FtpsWire

        return FtpsWire(target, step_s)
    from fallback_cast.channels.site.webdav import WebDavWire

    return WebDavWire(target, step_s)
