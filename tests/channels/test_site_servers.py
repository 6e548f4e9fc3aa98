"""The site on real servers (SFTP, FTPS, WebDAV): published whole, nobody trusted blindly, mirrors follow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fallback_cast.channels.kit.settings import BuildContext
from fallback_cast.channels.site import Settings
from fallback_cast.channels.site.channel import SiteChannel
from fallback_cast.channels.site.folder import MANIFEST, TEMPORARY
from fallback_cast.channels.site.manifest import SHARED_FILES
from fallback_cast.model.errors import AccessDenied
from fallback_cast.model.health import failed_check
from tests.channels.fake import CLUB, announcement
from tests.channels.fake_site import PATH, served
from tests.counterparts.folders import FolderServer

PAGE = "20261128-k7f3qd.html"
SERVERS = ("sftp_server", "webdav_server", "ftps_server")

pytestmark = pytest.mark.counterpart


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest) -> Iterator[FolderServer]:
    found: FolderServer = request.getfixturevalue(request.param)
    yield found
    found.forget()


def site(
    *servers: dict[str, Any], directory: Path | None = None, url: str | None = None, **more: Any
) -> SiteChannel:
    keys = {"name": "site", "kind": "site", "directory": directory, "url": url, "server": list(servers)}
    context = BuildContext(club=replace(CLUB, site_url=None))
    return SiteChannel(
        Settings.model_validate(keys), context, read_back_s=1.0, lock_wait_s=0.2, step_s=3.0, **more
    )


async def publish(channel: SiteChannel, *several: Any, copy: int = 0) -> Any:
    return [await channel.copies[copy].send(channel.render(one), "folder", "key") for one in several]


async def test_a_reader_finds_page_index_and_feeds(server: FolderServer) -> None:
    with served(server.folder) as web:
        async with site(server.keys, url=web.url + PATH) as channel:
            assert failed_check(await channel.copies[0].probe()) is None
            assert list(server.folder.iterdir()) == []
            (accepted,) = await publish(channel, announcement())
            assert accepted.delivered
            assert accepted.reference == f"{web.url}{PATH}{PAGE}"
            (again,) = await publish(channel, announcement(revision=2, title="Concours reporté"))
            assert again.delivered
    assert {file.name for file in server.folder.iterdir()} == {PAGE, MANIFEST, *SHARED_FILES}
    assert "Concours reporté" in (server.folder / PAGE).read_text()
    for name in (PAGE, *SHARED_FILES):
        assert (server.folder / name).stat().st_mode & 0o444 == 0o444, name
