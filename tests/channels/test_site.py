"""The site as its writer sees it: what is published, in which order of rank, and what readers then get."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from fallback_cast.channels.kit.settings import BuildContext
from fallback_cast.channels.site import Settings, build
from fallback_cast.channels.site.channel import SiteChannel
from fallback_cast.channels.site.folder import MANIFEST, TEMPORARY
from fallback_cast.channels.site.manifest import FEED_LENGTH, Manifest
from fallback_cast.model.announcement import Announcement, Importance
from fallback_cast.model.errors import AccessDenied, Layer, MessageRefused
from fallback_cast.model.health import failed_check
from fallback_cast.model.message import Accepted
from tests.channels.fake import CLUB, announcement
from tests.channels.fake_site import PATH, served, show, site
from tests.counterparts.http_faults import HttpFaults, redirect, reply
from tests.counterparts.http_faults import http_faults as open_http_faults
from tests.counterparts.tls import Certificates

NOW = datetime(2026, 11, 28, 9, 5, tzinfo=UTC)
PAGE = "20261128-k7f3qd.html"


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


async def publish(channel: SiteChannel, *several: Announcement) -> list[Accepted]:
    return [await channel.copies[0].send(channel.render(one), "folder", "key") for one in several]


def manifest(folder: Path) -> Manifest:
    return Manifest.model_validate_json((folder / MANIFEST).read_bytes())


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def numbered(number: int, **changes: Any) -> Announcement:
    return announcement(
        id=f"20261128-n{number:04}", code=f"N{number:03}", title=f"Annonce {number}", **changes
    )


async def test_a_reader_finds_page_index_feeds_and_banner(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        async with site(tmp_path, server.url + PATH) as channel:
            (accepted,) = await publish(channel, announcement())
            assert channel.page_url(announcement()) == f"{server.url}{PATH}{PAGE}"
    assert accepted == Accepted(f"{server.url}{PATH}{PAGE}", delivered=True)
    page = (tmp_path / PAGE).read_text()
    assert '<meta name="fallback-cast" content="20261128-k7f3qd.1">' in page
    for name in (PAGE, "index.html", "banner.html", "atom.xml", "feed.json"):
        text = (tmp_path / name).read_bytes().decode()
        assert "K7F3" in text, name
    assert f"{server.url}{PATH}{PAGE}" in (tmp_path / "sitemap.xml").read_text()
    assert [request.method for request in server.requests] == ["GET"]
    assert server.requests[0].path == PATH + PAGE
    assert server.requests[0].query["v"]


async def test_the_same_again_changes_no_byte(tmp_path: Path) -> None:
    clock = Clock()
    async with site(tmp_path, None, clock=clock) as channel:
        await publish(channel, announcement())
        before = contents(tmp_path)
        clock.now += timedelta(minutes=3)
        await publish(channel, announcement())
    assert contents(tmp_path) == before


async def test_a_higher_revision_replaces_and_a_lower_one_never_does(tmp_path: Path) -> None:
    clock = Clock()
    first = announcement()
    second = replace(first, revision=2, title="Concours reporté")
    with served(tmp_path) as server:
        async with site(tmp_path, server.url + PATH, clock=clock) as channel:
            await publish(channel, first)
            clock.now += timedelta(hours=1)
            answers = await publish(channel, second, first)
    page = (tmp_path / PAGE).read_text()
    assert "Concours reporté" in page
    assert "Concours annulé" not in page
    assert 'content="20261128-k7f3qd.2"' in page
    assert [answer.delivered for answer in answers] == [True, True]
    (record,) = manifest(tmp_path).records
    assert (record.published_at, record.updated_at) == (NOW, NOW + timedelta(hours=1))


async def test_a_late_try_does_not_undo_a_cancellation(tmp_path: Path) -> None:
    async with site(tmp_path, None) as channel:
        await publish(channel, announcement(), announcement(cancelled=True), announcement())
    assert manifest(tmp_path).records[0].announcement.cancelled
    assert 'class="mark cancelled"' in (tmp_path / PAGE).read_text()
    assert 'class="mark cancelled"' in (tmp_path / "index.html").read_text()
    assert "K7F3" not in (tmp_path / "banner.html").read_text()


async def test_urgent_stands_on_top_and_what_expired_goes_to_the_archive(tmp_path: Path) -> None:
    clock = Clock()
    urgent = announcement(title="Urgente", expires_at=NOW + timedelta(hours=2))
    calm = numbered(1, importance=Importance.NORMAL, expires_at=NOW + timedelta(days=3))
    async with site(tmp_path, None, clock=clock) as channel:
        await publish(channel, urgent)
        clock.now += timedelta(hours=1)
        await publish(channel, calm)
        index = (tmp_path / "index.html").read_text()
        assert index.index("group urgent") < index.index("Urgente") < index.index("Annonce 1")
        assert "group archive" not in index
        assert not await channel.refresh()
        clock.now += timedelta(hours=2)
        assert await channel.refresh()
        assert not await channel.refresh()
    index = (tmp_path / "index.html").read_text()
    assert "group urgent" not in index
    assert index.index("Annonce 1") < index.index("group archive") < index.index("Urgente")
    assert (tmp_path / "banner.html").read_text() == "<!-- fallback-cast: nothing urgent -->\n"


async def test_the_index_keeps_the_newest_and_old_pages_stay(tmp_path: Path) -> None:
    clock = Clock()
    async with site(tmp_path, "http://127.0.0.1:9/", clock=clock, keep=2) as channel:
        for number in range(FEED_LENGTH + 2):
            clock.now += timedelta(minutes=1)
            await publish(channel, numbered(number, importance=Importance.INFO))
    index = (tmp_path / "index.html").read_text()
    assert "Annonce 21" in index
    assert "Annonce 20" in index
    assert "Annonce 19" not in index
    assert sum(name.startswith("2") for name in contents(tmp_path)) == FEED_LENGTH + 2
    assert len(json.loads((tmp_path / "feed.json").read_bytes())["items"]) == FEED_LENGTH
    records = manifest(tmp_path).records
    assert [bool(record.announcement.body) for record in records] == [True] * FEED_LENGTH + [False] * 2
    assert all(record.summary for record in records)
    assert "20261128-n0000" in (tmp_path / "sitemap.xml").read_text()


async def test_an_urgent_one_is_on_the_index_however_old(tmp_path: Path) -> None:
    clock = Clock()
    async with site(tmp_path, None, clock=clock, keep=1) as channel:
        await publish(channel, announcement(title="Urgente"))
        clock.now += timedelta(minutes=1)
        await publish(channel, numbered(1, importance=Importance.INFO))
    assert "Urgente" in (tmp_path / "index.html").read_text()


@pytest.mark.parametrize(
    ("answer", "note"),
    [
        (reply(404), "HTTP 404"),
        (reply(200, "<html>parked</html>"), "another page"),
        (redirect("https://elsewhere.example/"), "HTTP 307"),
        (
            reply(200, '<meta name="fallback-cast" content="20261128-k7f3qd.1">'),
            "still see revision 1",
        ),
        (reply(200, '<meta name="fallback-cast" content="20261128-other.9">'), "another page"),
    ],
)
async def test_delivered_only_if_a_reader_would_see_it(
    tmp_path: Path, http_faults: HttpFaults, answer: Any, note: str
) -> None:
    http_faults.always(answer)
    async with site(tmp_path, http_faults.url + PATH) as channel:
        (accepted,) = await publish(channel, announcement(revision=2))
    assert not accepted.delivered
    assert note in accepted.note
    assert len(http_faults.requests) == 1
    assert (tmp_path / PAGE).exists()


async def test_without_a_public_address_nobody_looks(tmp_path: Path) -> None:
    club = replace(CLUB, site_url=None)
    settings = Settings(name="site", kind="site", directory=Path("public"))
    (tmp_path / "public").mkdir()
    async with build(settings, BuildContext(club=club, base_dir=tmp_path)) as channel:
        (accepted,) = await publish(channel, announcement())
        assert channel.page_url(announcement()) is None
        assert [check.ok for check in await channel.copies[0].probe()] == [True]
    assert accepted.reference is None
    assert not accepted.delivered
    assert not (tmp_path / "public" / "sitemap.xml").exists()


@pytest.mark.parametrize("name", [PAGE, "index.html", "banner.html", "atom.xml", "feed.json", "sitemap.xml"])
@pytest.mark.parametrize("how", ["file", "link", "folder"])
async def test_what_is_not_ours_is_never_touched(tmp_path: Path, name: str, how: str) -> None:
    folder = tmp_path / "public"
    folder.mkdir()
    elsewhere = tmp_path / "precious"
    elsewhere.write_text("precious")
    if how == "file":
        (folder / name).write_text("precious")
    elif how == "link":
        (folder / name).symlink_to(elsewhere)
    else:
        (folder / name).mkdir()
    async with site(folder, "http://127.0.0.1:9/") as channel:
        with pytest.raises(AccessDenied, match=f"{name} is there and is not ours"):
            await publish(channel, announcement())
        if name != PAGE:
            (check,) = await channel.copies[0].probe()
            assert (check.ok, check.layer) == (False, Layer.ACCOUNT)
    assert elsewhere.read_text() == "precious"
    assert [file.name for file in folder.iterdir() if file.name not in (name, ".fallback-cast.lock")] == []


@pytest.mark.parametrize("name", [PAGE, "index.html", MANIFEST, TEMPORARY, ".fallback-cast.lock"])
async def test_a_link_put_in_later_is_not_followed(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "public"
    folder.mkdir()
    elsewhere = tmp_path / "precious"
    elsewhere.write_text("precious")
    async with site(folder, None) as channel:
        await publish(channel, announcement())
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(elsewhere)
        if name == TEMPORARY:  # our own reserved name: the link is removed, its target is not written
            await publish(channel, announcement())
        else:
            with pytest.raises(AccessDenied):
                await publish(channel, announcement())
    assert elsewhere.read_text() == "precious"


async def test_the_folder_itself_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "release").mkdir()
    (tmp_path / "public").symlink_to("release")
    async with site(tmp_path / "public", None) as channel:
        await publish(channel, announcement())
    assert (tmp_path / "release" / PAGE).exists()


@pytest.mark.parametrize("name", ["../evil.html", "/etc/passwd", "a/b.html", ".htaccess", "shell.php", ""])
async def test_a_forged_manifest_gives_no_power(tmp_path: Path, name: str) -> None:
    (tmp_path / MANIFEST).write_text(json.dumps({"version": 1, "files": [name], "records": []}))
    async with site(tmp_path, None) as channel:
        with pytest.raises(AccessDenied, match="not written by this version"):
            await publish(channel, announcement())


@pytest.mark.parametrize(
    "bad", ["", "../x", "a/b", "a.b", ".x", "-x", "index", "BANNER", "x" * 65, "é", "a\n"]
)
def test_names_come_from_safe_ids_only(tmp_path: Path, bad: str) -> None:
    with pytest.raises(MessageRefused):
        site(tmp_path, None).render(announcement(id=bad))


async def test_many_at_once_in_one_process(tmp_path: Path) -> None:
    async with site(tmp_path, None) as channel:
        channel.copies[0].publisher = replace(channel.copies[0].publisher, wait_s=20)
        await asyncio.gather(*(publish(channel, numbered(number)) for number in range(12)))
    assert len(manifest(tmp_path).records) == 12
    assert all(f"Annonce {number}" in (tmp_path / "index.html").read_text() for number in range(12))


async def test_the_probe_looks_as_a_reader_would(tmp_path: Path, http_faults: HttpFaults) -> None:
    http_faults.next(reply(404), reply(503))
    async with site(tmp_path, http_faults.url + PATH) as channel:
        assert failed_check(await channel.copies[0].probe()) is None
        failed = failed_check(await channel.copies[0].probe())
    assert failed is not None
    assert (failed.layer, failed.detail) == (Layer.SERVICE, "HTTP 503")
    assert contents(tmp_path) == {}


async def test_a_bad_certificate_is_seen(tmp_path: Path, certificates: Certificates) -> None:
    for kind, good in (("good", True), ("expired", False)):
        with open_http_faults(certificates.server_context(kind)) as server:
            server.always(show(tmp_path))
            async with site(tmp_path, server.url + PATH, ca_file=certificates.ca_file) as channel:
                (accepted,) = await publish(channel, announcement())
                assert accepted.delivered is good
                assert (failed_check(await channel.copies[0].probe()) is None) is good


def test_the_site_comes_first_unless_told_otherwise(tmp_path: Path) -> None:
    assert site(tmp_path, None).always
    assert not site(tmp_path, None, always=False).always
    assert site(tmp_path, None).traits.local
    assert site(tmp_path, None).place() == "folder"
    with pytest.raises(ValueError, match="one address"):
        site(tmp_path, None).normalise("elsewhere")


@pytest.mark.parametrize(
    "keys",
    [
        {"colour": "#ffff00"},
        {"colour": "red"},
        {"keep": 0},
        {"url": "https://example.org/?a=b"},
        {"url": "ftp://example.org/"},
        {"colr": "#000000"},
    ],
)
def test_settings_that_cannot_work_are_refused(tmp_path: Path, keys: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        site(tmp_path, keys.pop("url", None), **keys)
