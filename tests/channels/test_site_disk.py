"""The folder under bad treatment: kill -9 at every step, full and read-only disks, several writers.

A worker process without threads forks a child for each trial, so that thirty deaths cost one start-up.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from fallback_cast.channels.site import folder as disk
from fallback_cast.channels.site.folder import LOCK, MANIFEST, TEMPORARY
from fallback_cast.channels.site.manifest import SHARED_FILES, Manifest
from fallback_cast.channels.site.pages import Pages
from fallback_cast.channels.site.publish import Publisher
from fallback_cast.channels.site.settings import Site
from fallback_cast.model.announcement import Announcement
from fallback_cast.model.errors import AccessDenied, SendError, Unavailable
from tests.channels.fake import CLUB, announcement

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 28, 9, 5, tzinfo=UTC)
SITE = Site(CLUB, "https://sainte-anne.example/annonces/", 50, "#1f5a4c")
NOBODY = 65534


def publisher(folder: Path, wait_s: float = 10) -> Publisher:
    return Publisher(SITE, Pages(SITE), disk.DiskGround(folder), wait_s)


def revision(number: int, **changes: Any) -> Announcement:
    body = f"Révision {number}. " + "Le terrain est inondé. " * (1 + number % 40)
    return announcement(**({"revision": number, "body": body} | changes))


# The worker's side: one command a line, each in a forked child.


def forever(folder: str, first: int) -> None:
    writer = publisher(Path(folder))
    for number in count(first):
        writer.publish(revision(number), NOW + timedelta(minutes=number))


def die_at(folder: str, number: int, step: int) -> None:
    """Publish, and be killed at the given step of the file work (open, rename, remove)."""
    writer = publisher(Path(folder))
    steps = count(1)

    def kill(event: str, _: object) -> None:
        if event in ("open", "os.rename", "os.remove") and next(steps) == step:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(kill)
    writer.publish(revision(number), NOW)


def several(folder: str, writers: int, each: int) -> None:
    children = []
    for writer in range(writers):
        if (child := os.fork()) == 0:
            for number in range(each):
                name = f"w{writer}n{number}"
                publisher(Path(folder), 60).publish(announcement(id=name, code=name.upper()), NOW)
            os._exit(0)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * writers


def unprivileged(folder: str, number: int) -> None:
    if os.getuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    publisher(Path(folder)).publish(revision(number), NOW)


def limited(folder: str, number: int, bytes_left: int) -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_left, bytes_left))
    publisher(Path(folder)).publish(revision(number), NOW)


def on_small_disk(folder: str) -> None:
    """A disk of 2 MB of our own: one more revision with 0, 1, 2 … free blocks."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder], check=True)
    model, site, filler = (Path(folder) / name for name in ("model", "site", "filler"))
    model.mkdir()
    with_long_index(model)
    seen = []
    for free in range(16):
        shutil.copytree(model, site)
        fill(filler, free)
        try:
            publisher(site).publish(revision(2), NOW)
            seen.append("accepted")
        except SendError as error:
            seen.append(f"{error.word}: {error.reason}")
        assert_whole(site)
        filler.unlink()
        publisher(site).publish(revision(3), NOW)
        assert page_revision(site) == 3
        shutil.rmtree(site)
    say(seen)


def with_long_index(folder: Path) -> None:
    """Index, feeds and manifest longer than the page, so that there is room for the page alone."""
    for number in range(25):
        publisher(folder).publish(announcement(id=f"n{number}"), NOW - timedelta(days=1))
    publisher(folder).publish(revision(1), NOW)


def fill(filler: Path, free: int) -> None:
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            file.truncate(max(0, file.tell() - 4096 * free))


COMMANDS: dict[str, Callable[..., None]] = {
    function.__name__: function
    for function in (forever, die_at, several, unprivileged, limited, on_small_disk)
}


def say(what: object) -> None:
    print(json.dumps(what), flush=True)


def work() -> None:
    with tempfile.TemporaryDirectory() as warm:  # load whatever is loaded lazily
        publisher(Path(warm)).publish(revision(1), NOW)
    say("ready")
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        child = os.fork()
        if child == 0:
            try:
                COMMANDS[name](*arguments)
            except SendError as error:
                say([error.word, error.reason])
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        say(child)
        say({"status": os.waitpid(child, 0)[1]})


# The test's side.


class Worker:
    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def begin(self, *command: object) -> int:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        pid: int = self.hear()
        return pid

    def hear(self) -> Any:
        assert self._process.stdout
        return json.loads(self._process.stdout.readline())

    def run(self, *command: object) -> tuple[list[Any], int]:
        """What the child said, and how it ended (0 well, 9 killed)."""
        self.begin(*command)
        said = []
        while not isinstance(heard := self.hear(), dict):
            said.append(heard)
        return said, heard["status"]


@contextmanager
def started(*before: str) -> Iterator[Worker]:
    command = [*before, sys.executable, "-m", "tests.channels.test_site_disk"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        worker = Worker(process)
        assert worker.hear() == "ready"
        yield worker
        assert process.stdin
        process.stdin.close()
        process.wait(10)


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with started() as running:
        yield running


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that another user can reach, unlike those of pytest."""
    with tempfile.TemporaryDirectory() as parent:
        os.chmod(parent, 0o755)
        folder = Path(parent) / "public"
        folder.mkdir()
        yield folder


def page_revision(folder: Path) -> int:
    page = (folder / "20261128-k7f3qd.html").read_text()
    found = int(page.split('content="20261128-k7f3qd.')[1].split('"')[0])
    assert f"Révision {found}. " in page
    return found


def assert_whole(folder: Path) -> None:
    """Every file is complete, and none is there that the manifest does not know."""
    files = {file.name for file in folder.iterdir()} - {LOCK, TEMPORARY}
    for name in files:
        text = (folder / name).read_text()
        if name.endswith(".html") and name != "banner.html":
            assert text.startswith("<!DOCTYPE html>\n")
            assert text.endswith("</html>\n")
        elif name == "banner.html":
            assert text.endswith(("</div>\n", "-->\n"))
        elif name.endswith(".xml"):
            ElementTree.fromstring(text)
        else:
            json.loads(text)
    if MANIFEST in files:
        manifest = Manifest.model_validate_json((folder / MANIFEST).read_bytes())
        assert files - {MANIFEST} <= manifest.files
        if record := manifest.find("20261128-k7f3qd"):
            assert page_revision(folder) >= record.announcement.revision, "the manifest ran ahead"
    else:
        assert files == set()


def test_killed_at_every_step_each_file_is_whole(worker: Worker, tmp_path: Path) -> None:
    for before in (0, 1):  # the first announcement ever, and one over another
        for step in count(1):
            folder = tmp_path / f"{before}-{step}"
            folder.mkdir()
            if before:
                publisher(folder).publish(revision(1), NOW)
            said, status = worker.run("die_at", str(folder), 1 + before, step)
            assert said == []
            assert_whole(folder)
            if before:
                assert page_revision(folder) in (1, 2)
            publisher(folder).publish(revision(2), NOW)
            assert_whole(folder)
            assert page_revision(folder) == 2
            assert not (folder / TEMPORARY).exists()
            assert all((folder / name).exists() for name in SHARED_FILES)
            if status == 0:
                break
            assert os.WTERMSIG(status) == signal.SIGKILL
        assert step > 20, "the steps were not seen"


def test_killed_at_thirty_random_moments_each_file_is_whole(worker: Worker, tmp_path: Path) -> None:
    chance = random.Random(4102021)
    started_s = time.monotonic()
    publisher(tmp_path).publish(revision(1), NOW)
    within_s = max(0.08, 4 * (time.monotonic() - started_s))  # a busy machine takes its time
    last = 1
    for _ in range(30):
        child = worker.begin("forever", str(tmp_path), last + 1)
        time.sleep(chance.uniform(0.002, within_s))  # the moment of death is what is tried, not waited for
        os.kill(child, signal.SIGKILL)
        assert os.WTERMSIG(worker.hear()["status"]) == signal.SIGKILL
        assert_whole(tmp_path)
        if (tmp_path / "20261128-k7f3qd.html").exists():
            assert page_revision(tmp_path) >= last
            last = page_revision(tmp_path)
    assert last >= 5, "nothing was published between the deaths"
    publisher(tmp_path).publish(revision(last + 1), NOW)
    assert page_revision(tmp_path) == last + 1


def test_several_processes_lose_nothing(worker: Worker, tmp_path: Path) -> None:
    said, status = worker.run("several", str(tmp_path), 4, 5)
    assert (said, status) == ([], 0)
    manifest = Manifest.model_validate_json((tmp_path / MANIFEST).read_bytes())
    assert len(manifest.records) == 20
    index = (tmp_path / "index.html").read_text()
    assert all(f"W{writer}N{number}<" in index for writer in range(4) for number in range(5))


def test_a_folder_that_we_may_not_write_is_a_matter_of_settings(worker: Worker, public: Path) -> None:
    os.chmod(public, 0o555)
    said, _ = worker.run("unprivileged", str(public), 1)
    assert said == [["access-denied", "no right to write in the folder"]]
    assert list(public.iterdir()) == []


@pytest.mark.parametrize(
    ("room", "word"), [(0, "unavailable"), (3000, "unavailable"), (10_000, "outcome-unknown")]
)
def test_no_room_is_known_from_half_published(worker: Worker, tmp_path: Path, room: int, word: str) -> None:
    with_long_index(tmp_path)
    index = (tmp_path / "index.html").read_bytes()
    assert len((tmp_path / "20261128-k7f3qd.html").read_bytes()) < 10_000 < len(index)
    ((heard, reason),), _ = worker.run("limited", str(tmp_path), 2, room)
    assert heard == word
    assert "a file may not grow so large here" in reason
    assert page_revision(tmp_path) == (2 if word == "outcome-unknown" else 1)
    assert (tmp_path / "index.html").read_bytes() == index
    assert not (tmp_path / TEMPORARY).exists()
    assert_whole(tmp_path)


def test_a_full_disk_is_no_loss(tmp_path: Path) -> None:
    private = ["unshare", "--user", "--map-root-user", "--mount"]
    if shutil.which("unshare") is None or subprocess.run([*private, "true"], capture_output=True).returncode:
        pytest.skip("no private mounts here")
    with started(*private) as worker:
        (seen,), status = worker.run("on_small_disk", str(tmp_path))
    assert status == 0
    assert seen[0] == "unavailable: the disk is full"
    assert "outcome-unknown: only a part could be written: the disk is full" in seen
    assert seen[-1] == "accepted"
    order = ["unavailable", "outcome-unknown", "accepted"]
    ranks = [order.index(one.split(":")[0]) for one in seen]
    assert ranks == sorted(ranks), seen


def test_another_writer_is_waited_for_but_not_for_ever(tmp_path: Path) -> None:
    with disk.locked(tmp_path, 1), pytest.raises(Unavailable, match="another process"):
        publisher(tmp_path, 0.05).publish(revision(1), NOW)
    publisher(tmp_path, 0.05).publish(revision(1), NOW)


@pytest.mark.parametrize("number", sorted(disk._SETTINGS) + sorted(disk._PASSING) + [0, 9999])
def test_every_file_fault_has_words_and_no_path(number: int) -> None:
    error = disk.fault(OSError(number, "words of the system", "/home/secret/public"))
    assert type(error) is (AccessDenied if number in disk._SETTINGS else Unavailable)
    assert "secret" not in error.reason
    assert error.reason


if __name__ == "__main__":
    work()
