"""The site on real servers (SFTP, FTPS, WebDAV): published whole, nobody trusted blindly, mirrors follow."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import ValidationError

from fallback_cast.channels.kit.settings import BuildContext
from fallback_cast.channels.site import Settings
from fallback_cast.channels.site.channel import SiteChannel
from fallback_cast.channels.site.folder import MANIFEST, TEMPORARY
from fallback_cast.channels.site.manifest import FEED_LENGTH, SHARED_FILES, Manifest
from fallback_cast.channels.site.target import ServerSettings
from fallback_cast.model.errors import AccessDenied, Layer, OutcomeUnknown, SendError, Unavailable
from fallback_cast.model.health import failed_check
from tests.channels import test_contract as contract
from tests.channels.fake import CLUB, Fake, Scene, announcement
from tests.channels.fake_site import PATH, _note_pages, served
from tests.counterparts import require
from tests.counterparts.folders import FolderServer
from tests.counterparts.http_faults import Action, Request, cut_after_request, http_faults, reply
from tests.counterparts.ports import refused_port, silent_server
from tests.counterparts.tls import Certificates

PAGE = "20261128-k7f3qd.html"
SERVERS = ("sftp_server", "webdav_server", "ftps_server")

pytestmark = pytest.mark.counterpart


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest) -> Iterator[FolderServer]:
    found: FolderServer = request.getfixturevalue(request.param)
    yield found
    found.forget()


def site(
    *servers: dict[str, Any],
    directory: Path | None = None,
    url: str | None = None,
    step_s: float = 3.0,
    **more: Any,
) -> SiteChannel:
    keys = {"name": "site", "kind": "site", "directory": directory, "url": url, "server": list(servers)}
    context = BuildContext(club=replace(CLUB, site_url=None))
    return SiteChannel(
        Settings.model_validate(keys), context, read_back_s=1.0, lock_wait_s=0.2, step_s=step_s, **more
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


class ServerFake(Fake):
    """The contract of every channel, over a real server."""

    kind = "site"
    secrets = ("wr0ng-s3cret",)
    cases: ClassVar[Mapping[str, type[SendError] | None]] = {
        "ok": None,
        "refused": Unavailable,
        "silent": Unavailable,
        "unresolvable": Unavailable,
        "wrong password": AccessDenied,
        "missing folder": AccessDenied,
        "file in the way": AccessDenied,
        "no right": AccessDenied,
        "foreign index": AccessDenied,
        "broken manifest": AccessDenied,
        "link for a manifest": AccessDenied,
    }

    def __init__(self, server: FolderServer) -> None:
        self.server = server
        if "davs" in server.keys["target"]:  # Apache answers 500 to a folder that it may not write
            self.cases = {**self.cases, "no right": Unavailable}

    @asynccontextmanager
    async def serve(self, case: str) -> AsyncIterator[Scene]:
        folder = self.server.folder
        with ExitStack() as stack:
            keys = self._prepared(case, stack)
            written: set[tuple[int, int]] = set()
            # Servers take their time to refuse a login.
            async with site(keys, step_s=5.0 if case == "wrong password" else 1.0) as channel:
                yield Scene(
                    channel,
                    "folder",
                    requests=lambda: len(_note_pages(folder, written)),
                    messages=lambda: len(list(folder.glob("2*.html"))),
                )

    def _prepared(self, case: str, stack: ExitStack) -> dict[str, Any]:
        folder, keys = self.server.folder, self.server.keys
        target = keys["target"]
        server = target.partition("@")[2].partition("/")[0]
        match case:
            case "refused":
                port = stack.enter_context(refused_port())
                return keys | {"target": target.replace(server, f"127.0.0.1:{port}")}
            case "silent":
                port = stack.enter_context(silent_server()).port
                return keys | {"target": target.replace(server, f"127.0.0.1:{port}")}
            case "unresolvable":
                return keys | {"target": target.replace(server, "nowhere.invalid")}
            case "wrong password":
                return keys | {"password": "wr0ng-s3cret"}
            case "missing folder":
                return keys | {"target": target + "/missing"}
            case "file in the way":
                folder.joinpath("file").write_text("no folder")
                return keys | {"target": target + "/file"}
            case "no right":
                was = folder.stat()
                stack.callback(os.chown, folder, was.st_uid, was.st_gid)
                os.chown(folder, 0, 0)
            case "foreign index":
                folder.joinpath("index.html").write_text("somebody else's")
            case "broken manifest":
                folder.joinpath(MANIFEST).write_text("{")
            case "link for a manifest":
                folder.joinpath(MANIFEST).symlink_to("/etc/hostname")
        return keys


CASES = [case for case in ServerFake.cases if case != "ok"]


@pytest.mark.parametrize("case", CASES)
async def test_a_send_ends_as_agreed(server: FolderServer, case: str) -> None:
    await contract.test_a_send_ends_as_agreed(ServerFake(server), case)


@pytest.mark.parametrize("case", ServerFake.cases)
async def test_a_probe_messages_nobody(server: FolderServer, case: str) -> None:
    await contract.test_a_probe_messages_nobody(ServerFake(server), case)


async def test_the_contract_holds_where_all_is_well(server: FolderServer) -> None:
    fake = ServerFake(server)
    await contract.test_a_send_ends_as_agreed(fake, "ok")
    server.forget()
    await contract.test_the_same_attempt_has_the_same_key(fake)
    await contract.test_a_cancelled_send_ends_at_once(fake)


async def test_whom_we_talk_to_is_proved(sftp_server: FolderServer, tmp_path: Path) -> None:
    other = sftp_server.keys | {"host_key": "SHA256:" + "A" * 43}
    async with site(other) as channel:
        with pytest.raises(AccessDenied, match="another host key"):
            await publish(channel, announcement())
        failed = failed_check(await channel.copies[0].probe())
        assert failed is not None
        assert failed.layer is Layer.TLS
    known = {key: value for key, value in sftp_server.keys.items() if key != "host_key"}
    good = sftp_server.folder.parent / "known_hosts"
    bad = tmp_path / "known_hosts"
    bad.write_text("elsewhere.example " + good.read_text().partition(" ")[2])
    for file, reason in ((bad, "another host key"), (tmp_path / "missing", "cannot be read")):
        async with site(known | {"known_hosts": file}) as channel:
            with pytest.raises(AccessDenied, match=reason):
                await publish(channel, announcement())
    assert list(sftp_server.folder.iterdir()) == []
    async with site(known | {"known_hosts": good}) as channel:
        await publish(channel, announcement())
    assert (sftp_server.folder / PAGE).exists()
    sftp_server.forget()


async def test_a_key_logs_in_where_a_password_does_not(sftp_server: FolderServer) -> None:
    keys = {key: value for key, value in sftp_server.keys.items() if key != "password"}
    keys["private_key"] = sftp_server.folder.parent / "user_key"
    async with site(keys | {"passphrase": "pass phrase"}) as channel:
        await publish(channel, announcement())
    async with site(keys | {"passphrase": "another one"}) as channel:
        with pytest.raises(AccessDenied, match="cannot be read with this passphrase"):
            await publish(channel, announcement())
    assert (sftp_server.folder / PAGE).exists()
    sftp_server.forget()


@pytest.mark.parametrize("fixture", ["ftps_server", "webdav_server"])
async def test_a_strange_certificate_gets_no_password(
    fixture: str, request: pytest.FixtureRequest, certificates: Certificates
) -> None:
    server: FolderServer = request.getfixturevalue(fixture)
    async with site({key: value for key, value in server.keys.items() if key != "ca_file"}) as channel:
        with pytest.raises(Unavailable, match="certificate not valid"):
            await publish(channel, announcement())
        failed = failed_check(await channel.copies[0].probe())
        assert failed is not None
        assert failed.layer is Layer.TLS
    assert list(server.folder.iterdir()) == []


async def test_what_a_crash_or_somebody_left_is_not_written_through(
    server: FolderServer, tmp_path: Path
) -> None:
    precious = server.folder.parent / "precious"
    precious.write_text("precious")
    precious.chmod(0o666)
    (server.folder / TEMPORARY).symlink_to(precious)
    async with site(server.keys) as channel:
        if "davs" in server.keys["target"]:  # Apache forbids links, also to remove them
            with pytest.raises(AccessDenied):
                await publish(channel, announcement())
        else:
            await publish(channel, announcement())
            assert not (server.folder / TEMPORARY).is_symlink()
    assert precious.read_text() == "precious"


@pytest.mark.parametrize("name", [PAGE, "index.html"])
async def test_what_is_not_ours_is_never_touched(server: FolderServer, name: str) -> None:
    (server.folder / name).write_text("precious")
    async with site(server.keys) as channel:
        with pytest.raises(AccessDenied, match=f"{name} is there and is not ours"):
            await publish(channel, announcement())
    assert (server.folder / name).read_text() == "precious"
    assert [file.name for file in server.folder.iterdir()] == [name]


async def test_a_server_down_in_the_middle_leaves_a_whole_site(server: FolderServer) -> None:
    async with site(server.keys) as channel:
        await publish(channel, announcement())
        with server.daemon.down(), pytest.raises(Unavailable):
            await publish(channel, announcement(revision=2))
        before = (server.folder / PAGE).read_text()
        assert 'content="20261128-k7f3qd.1"' in before
        await publish(channel, announcement(revision=2))
    assert 'content="20261128-k7f3qd.2"' in (server.folder / PAGE).read_text()


async def test_an_answer_lost_at_the_last_step_is_unknown(certificates: Certificates, tmp_path: Path) -> None:
    """A WebDAV server that takes the page, and whose word about it never comes."""

    def answer(request: Request) -> Action:
        match request.method:
            case "PROPFIND" if request.path == "/www/":
                folder = '<multistatus xmlns="DAV:"><resourcetype><collection/></resourcetype></multistatus>'
                return reply(207, folder)
            case "MOVE" if request.headers["destination"].endswith(PAGE):
                return cut_after_request()
            case "PUT" | "MOVE":
                return reply(201)
            case _:
                return reply(404)

    with http_faults(certificates.server_context()) as faults:
        faults.always(answer)
        port = faults.url.rpartition(":")[2]
        keys = {
            "target": f"davs://club@127.0.0.1:{port}/www",
            "password": "x",
            "ca_file": certificates.ca_file,
        }
        async with site(keys) as channel:
            with pytest.raises(OutcomeUnknown):
                await publish(channel, announcement())
    assert [r.headers["destination"] for r in faults.requests if r.method == "MOVE"][-1].endswith(PAGE)


# Mirrors.


async def test_every_copy_gets_the_same_pages(server: FolderServer, tmp_path: Path) -> None:
    async with site(server.keys, directory=tmp_path) as channel:
        assert [copy.name for copy in channel.copies] == ["site", "127.0.0.1"]
        await publish(channel, announcement())
        await publish(channel, announcement(revision=2, title="Concours reporté"))
    assert pages(server.folder) == pages(tmp_path)
    assert "Concours reporté" in (server.folder / "index.html").read_text()


async def test_a_dead_mirror_is_no_failure_and_catches_up(server: FolderServer, tmp_path: Path) -> None:
    first, second = announcement(), announcement(id="20261128-second", code="SECO", title="Deuxième")
    async with site(server.keys, directory=tmp_path) as channel:
        await publish(channel, first)
    with server.daemon.down():
        async with site(server.keys, directory=tmp_path) as channel:
            await publish(channel, second)
            assert failed_check(await channel.copies[0].probe()) is None
            assert failed_check(await channel.copies[1].probe()) is not None
    assert not (server.folder / "20261128-second.html").exists()
    async with site(server.keys, directory=tmp_path) as channel:
        await channel.level()
    assert pages(server.folder) == pages(tmp_path)


async def test_the_first_copy_catches_up_with_its_mirror(server: FolderServer, tmp_path: Path) -> None:
    """Whatever is oldest comes over too, though no manifest keeps its text."""
    there = tmp_path / "there"
    async with site(server.keys, directory=there) as channel:
        with pytest.raises(AccessDenied):
            await publish(channel, announcement())
        for number in range(FEED_LENGTH + 2):
            await publish(channel, announcement(id=f"20261128-n{number:04}", code=f"N{number:03}"), copy=1)
        there.mkdir()
    async with site(server.keys, directory=there) as channel:
        await channel.level()
    assert pages(there) == pages(server.folder)
    assert len(list(there.glob("2*.html"))) == FEED_LENGTH + 2


async def test_the_link_leads_to_a_copy_that_answers(server: FolderServer, tmp_path: Path) -> None:
    with served(server.folder) as web, refused_port() as closed:
        keys = server.keys | {"url": web.url + PATH}
        async with site(keys, directory=tmp_path, url=f"http://127.0.0.1:{closed}/") as channel:
            (accepted,) = await publish(channel, announcement())
    assert accepted.delivered
    assert accepted.reference == f"{web.url}{PATH}{PAGE}"


async def test_a_mirror_left_half_way_is_built_anew(server: FolderServer, tmp_path: Path) -> None:
    async with site(server.keys, directory=tmp_path) as channel:
        await publish(channel, announcement())
        manifest = Manifest.model_validate_json((server.folder / MANIFEST).read_bytes())
        half = manifest.model_copy(update={"built_at": None})
        (server.folder / MANIFEST).write_text(half.model_dump_json())
        (server.folder / "index.html").write_text("old")
        await channel.level()
    assert pages(server.folder) == pages(tmp_path)


def pages(folder: Path) -> dict[str, bytes]:
    """All that readers get."""
    return {file.name: file.read_bytes() for file in folder.iterdir() if not file.name.startswith(".")}


PUBLISHER = """
import asyncio, sys, json
from tests.channels.test_site_servers import announcement, publish, site

async def forever(keys, first):
    async with site(keys) as channel:
        for number in range(first, first + 1000):
            await publish(channel, announcement(revision=number, body="Le terrain est inondé. " * 400))
            print(number, flush=True)

asyncio.run(forever(json.loads(sys.stdin.readline()), int(sys.argv[1])))
"""


def published_until_killed(keys: dict[str, Any], first: int, pause_s: float) -> int:
    """The last revision that a process published before it was killed in the middle of the next one."""
    with subprocess.Popen(
        [sys.executable, "-c", PUBLISHER, str(first)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=require.ROOT,
    ) as writer:
        assert writer.stdin
        assert writer.stdout
        writer.stdin.write(json.dumps({key: str(value) for key, value in keys.items()}) + "\n")
        writer.stdin.flush()
        done = int(writer.stdout.readline())
        time.sleep(pause_s)
        writer.kill()
        return max([done, *map(int, writer.stdout.read().split())])


async def test_kill_9_leaves_the_old_page_whole(server: FolderServer) -> None:
    revision = 1
    for pause_s in (0.0, 0.03, 0.07, 0.11, 0.16):
        done = published_until_killed(server.keys, revision, pause_s)
        await asyncio.sleep(0.1)  # what the server has in hand, it ends
        seen = shown_revision(server.folder)
        assert done <= seen <= done + 1
        revision = seen + 1
    async with site(server.keys) as channel:
        await publish(channel, announcement(revision=revision))
    assert shown_revision(server.folder) == revision
    assert not (server.folder / TEMPORARY).exists()


def shown_revision(folder: Path) -> int:
    page = (folder / PAGE).read_text()
    assert page.rstrip().endswith("</html>")
    assert (folder / "index.html").read_text().rstrip().endswith("</html>")
    Manifest.model_validate_json((folder / MANIFEST).read_bytes())
    return int(page.partition('content="20261128-k7f3qd.')[2].partition('"')[0])


@pytest.mark.parametrize(
    ("target", "keys"),
    [
        ("http://club@web.example.org/www", {"password": "x"}),
        ("sftp:///www", {"password": "x", "host_key": "SHA256:" + "A" * 43}),
        ("sftp://web.example.org/www", {"password": "x", "host_key": "SHA256:" + "A" * 43}),
        ("sftp://club:x@web.example.org/www", {"host_key": "SHA256:" + "A" * 43}),
        ("sftp://club@web.example.org/../etc", {"password": "x", "host_key": "SHA256:" + "A" * 43}),
        ("sftp://club@web.example.org/%0d%0aDELE", {"password": "x", "host_key": "SHA256:" + "A" * 43}),
        ("sftp://club@web.example.org:99999/www", {"password": "x", "host_key": "SHA256:" + "A" * 43}),
        ("sftp://club@web.example.org/www", {"password": "x"}),
        ("sftp://club@web.example.org/www", {"host_key": "SHA256:" + "A" * 43}),
        ("sftp://club@web.example.org/www", {"password": "x", "host_key": "any"}),
        ("ftps://club@web.example.org/www", {}),
        ("davs://club@web.example.org/www", {"password": "x", "host_key": "SHA256:" + "A" * 43}),
        ("davs://club@web.example.org/www", {"password": "x", "url": "https://web.example.org/?a"}),
    ],
)
def test_a_target_that_cannot_work_is_refused(target: str, keys: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ServerSettings.model_validate({"target": target} | keys)


@pytest.mark.parametrize(
    ("path", "file"),
    [
        ("/www/annonces/", "/www/annonces/x"),
        ("/", "/x"),
        ("", "./x"),
        ("/~", "./x"),
        ("/~/www", "www/x"),
        ("/%C3%A9t%C3%A9", "/été/x"),
    ],
)
def test_where_a_target_leads(path: str, file: str) -> None:
    keys = {"target": f"ftps://club%40web@web.example.org{path}", "password": "x"}
    target = ServerSettings.model_validate(keys).resolved(Path())
    assert (target.path("x"), target.username, target.port) == (file, "club@web", 21)
    assert "password" not in repr(target)


def test_a_site_stands_somewhere_and_each_copy_has_a_name() -> None:
    server = {"target": "ftps://club@web.example.org/www", "password": "x"}
    for keys in (
        {},
        {"server": [server, server]},
        {"directory": "public", "server": [server | {"name": "site"}]},
    ):
        with pytest.raises(ValidationError):
            Settings.model_validate({"name": "site", "kind": "site"} | keys)
    two = [server, server | {"name": "spare"}]
    found = Settings.model_validate({"name": "site", "kind": "site", "server": two})
    channel = SiteChannel(found, BuildContext(club=CLUB))
    assert [copy.name for copy in channel.copies] == ["web.example.org", "spare"]
    assert not channel.traits.local
