"""The order in which an announcement becomes public: claim names, page, manifest, index, feeds.

A name is ours once the manifest on the disk lists it, and it is claimed only while nothing is there; so a
file of somebody else is never touched, and a page that a crash left behind is known as ours. Pages are
never deleted: links in old messages stay good.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import ValidationError

from fallback_cast.channels.site import folder as disk
from fallback_cast.channels.site.feeds import atom, json_feed, sitemap
from fallback_cast.channels.site.ground import Ground, OpenFolder
from fallback_cast.channels.site.manifest import SHARED_FILES, Manifest, Record, record_of
from fallback_cast.channels.site.pages import Pages
from fallback_cast.channels.site.settings import Site
from fallback_cast.model.announcement import Announcement
from fallback_cast.model.errors import AccessDenied, OutcomeUnknown, SendError


@dataclass(frozen=True, slots=True)
class Publisher:
    """Writes one site. Its methods block: call them in a thread."""

    site: Site
    pages: Pages
    ground: Ground
    wait_s: float  # how long to wait for another writer

    def publish(self, announcement: Announcement, now: datetime) -> Record:
        """Write the announcement; returns what stands there, which may be newer.

        Raises Unavailable or AccessDenied if nothing was published, OutcomeUnknown if the page may be there.
        """
        with self.ground.locked(self.wait_s) as folder:
            manifest = self._read(folder)
            standing = manifest.find(announcement.id)
            if standing and standing.outranks(announcement):
                self._rest(folder, self._claim(folder, manifest), now)
                return standing
            record = record_of(announcement, standing, now)
            content = self.pages.page(record).encode()
            claimed = self._claim(folder, manifest, record.page)
            complete = claimed.including(record).built(now)
            shared = self._shared(complete, now)
            try:
                folder.write(record.page, content)
            except OSError as error:
                raise disk.fault(error) from None
            _write_rest(folder, complete, shared)
            return record

    def refresh(self, now: datetime) -> bool:
        """Rebuild index, banner and feeds if something has expired since they were written.

        What has expired moves to the archive. Returns whether anything was written. Raises Unavailable,
        AccessDenied, or OutcomeUnknown if only a part could be rebuilt.
        """
        with self.ground.opened() as folder:
            if not self._read(folder).outlived(now):
                return False
        with self.ground.locked(self.wait_s) as folder:
            self._rest(folder, self._claim(folder, self._read(folder)), now)
        return True

    def manifest(self) -> Manifest:
        """What stands here. Raises AccessDenied or Unavailable."""
        with self.ground.opened() as folder:
            return self._read(folder)

    def follow(self, records: Sequence[Record], feed_id: UUID, source: Ground | None, now: datetime) -> bool:
        """Bring this copy up to these records (newest first); returns whether anything was written.

        Pages whose text is in no manifest any more are copied from `source`; without it they are left for
        later. A copy left half-way has no `built_at`, and is built anew. Raises as `publish` does.
        """
        with self.ground.locked(self.wait_s) as folder:
            manifest = self._read(folder)
            lacking = manifest.lacking(records)
            half_way = bool(manifest.records) and manifest.built_at is None
            if not (lacking or half_way or manifest.outlived(now)):
                return False
            if not manifest.records:
                manifest = manifest.model_copy(update={"feed_id": feed_id})
            started = self._claim(folder, manifest, *(record.page for record in lacking))
            started = started.model_copy(update={"built_at": None})
            try:
                for record in self._brought(folder, lacking, source):
                    started = started.including(record)
                self._rebuild(folder, started, now)
            except OSError as error:
                raise disk.fault(error) from None
            return True

    def _brought(
        self, folder: OpenFolder, records: Sequence[Record], source: Ground | None
    ) -> Iterator[Record]:
        with source.opened() if source else nullcontext() as there:
            for record in records:
                content: bytes | None = None
                if record.announcement.body:
                    content = self.pages.page(record).encode()
                elif there:
                    content = there.read(record.page)
                if content is not None:
                    folder.write(record.page, content)
                    yield record

    def _rebuild(self, folder: OpenFolder, started: Manifest, now: datetime) -> None:
        folder.settle()
        folder.write(disk.MANIFEST, _dump(started))
        folder.settle()
        built = started.built(now)
        for name, content in self._shared(built, now).items():
            folder.write(name, content)
        folder.settle()
        folder.write(disk.MANIFEST, _dump(built))
        folder.settle()

    def check(self) -> None:
        """Show that publishing would work. Raises AccessDenied or Unavailable."""
        with self.ground.tried() as folder:
            self._unclaimed(folder, self._read(folder), SHARED_FILES)

    def _rest(self, folder: OpenFolder, manifest: Manifest, now: datetime) -> None:
        built = manifest.built(now)
        _write_rest(folder, built, self._shared(built, now))

    def _shared(self, manifest: Manifest, now: datetime) -> Mapping[str, bytes]:
        files = {
            "index.html": self.pages.index(manifest, now).encode(),
            # Without a charset of its own, a snippet must look right inside a page of any encoding.
            "banner.html": self.pages.banner(manifest, now).encode("ascii", "xmlcharrefreplace"),
            "atom.xml": atom(manifest, self.site, now),
            "feed.json": json_feed(manifest, self.site),
        }
        if self.site.url:  # a sitemap knows only whole addresses
            files["sitemap.xml"] = sitemap(manifest, self.site.url)
        return files

    def _read(self, folder: OpenFolder) -> Manifest:
        try:
            content = folder.read(disk.MANIFEST)
        except OSError as error:
            raise disk.fault(error) from None
        if content is None:
            return Manifest()
        try:
            return Manifest.model_validate_json(content)
        except ValidationError:
            raise AccessDenied(f"{disk.MANIFEST} was not written by this version of the program") from None

    def _claim(self, folder: OpenFolder, manifest: Manifest, *pages: str) -> Manifest:
        """The manifest with these names and the shared ones as ours, on the disk before they are used."""
        new = self._unclaimed(folder, manifest, (*pages, *SHARED_FILES))
        if not new:
            return manifest
        claimed = manifest.claiming(*new)
        try:
            folder.write(disk.MANIFEST, _dump(claimed))
            folder.settle()
        except OSError as error:
            raise disk.fault(error) from None
        return claimed

    def _unclaimed(self, folder: OpenFolder, manifest: Manifest, names: tuple[str, ...]) -> set[str]:
        new = set(names) - manifest.files
        try:
            for name in sorted(names):
                if folder.kind(name) not in ({"missing"} if name in new else {"missing", "file"}):
                    raise AccessDenied(f"{name} is there and is not ours: choose a folder of its own")
        except OSError as error:
            raise disk.fault(error) from None
        return new


def _write_rest(folder: OpenFolder, manifest: Manifest, shared: Mapping[str, bytes]) -> None:
    try:
        folder.settle()
        folder.write(disk.MANIFEST, _dump(manifest))
        folder.settle()
        for name, content in shared.items():
            folder.write(name, content)
        folder.settle()
    except (OSError, SendError) as error:
        cause = error if isinstance(error, SendError) else disk.fault(error)
        raise OutcomeUnknown(f"only a part could be written: {cause.reason}") from None


def _dump(manifest: Manifest) -> bytes:
    return manifest.model_dump_json(indent=1).encode()
