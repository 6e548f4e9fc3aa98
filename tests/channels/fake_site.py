"""A web server over the published folder, for the contract suite and the tests of the site.

The network behind a site only confirms: whatever it does, the page is written, and the send accepted.
"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from filelock import FileLock

from fallback_cast.channels.kit.settings import BuildContext
from fallback_cast.channels.site import Settings
from fallback_cast.channels.site.channel import SiteChannel
from fallback_cast.channels.site.folder import LOCK
from fallback_cast.model.errors import AccessDenied, SendError, Unavailable
from tests.channels.fake import CLUB, Fake, Scene
from tests.counterparts.http_faults import Action, HttpFaults, Request, cut_after_request, http_faults, reply
from tests.counterparts.ports import refused_port, silent_server

PATH = "/annonces/"
TYPES = {".html": "text/html; charset=utf-8", ".xml": "application/xml", ".json": "application/feed+json"}


def show(folder: Path) -> Callable[[Request], Action]:
    """What a web server does with a folder: the file, the index, or 404; never a dot-file."""

    def answer(request: Request) -> Action:
        name = request.path.removeprefix(PATH) or "index.html"
        file = folder / name
        if "/" in name or name.startswith(".") or not file.is_file():
            return reply(404)
        body = b"" if request.method == "HEAD" else file.read_bytes()
        return reply(200, body, headers={"Content-Type": TYPES[file.suffix]})

    return answer


def site(
    folder: Path, url: str | None, *, clock: Callable[[], datetime] | None = None, **keys: Any
) -> SiteChannel:
    settings = Settings.model_validate(
        {"name": "site", "kind": "site", "directory": folder, "url": url} | keys
    )
    more = {"clock": clock} if clock else {}
    return SiteChannel(
        settings, BuildContext(club=replace(CLUB, site_url=None)), read_back_s=1.0, lock_wait_s=0.2, **more
    )


@contextmanager
def served(folder: Path) -> Iterator[HttpFaults]:
    with http_faults() as faults:
        faults.always(show(folder))
        yield faults


class SiteFake(Fake):
    kind = "site"
    edits = True
    cases: ClassVar[Mapping[str, type[SendError] | None]] = {
        "ok": None,
        "refused": None,
        "silent": None,
        "lost": None,
        "unresolvable": None,
        "missing folder": AccessDenied,
        "file in the way": AccessDenied,
        "foreign index": AccessDenied,
        "broken manifest": AccessDenied,
        "other writer": Unavailable,
    }

    @asynccontextmanager
    async def serve(self, case: str) -> AsyncIterator[Scene]:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "public"
            _prepare(folder, case, stack)
            faults = stack.enter_context(served(folder))
            if case == "lost":
                faults.always(cut_after_request())
            written: set[tuple[int, int]] = set()
            async with site(folder, _url(case, faults, stack)) as channel:
                yield Scene(
                    channel,
                    "folder",
                    # The wire of a site is its folder; looking at the public page is the only request.
                    requests=lambda: max(len(_note_pages(folder, written)), _looks(faults)),
                    messages=lambda: len(list(folder.glob("2*.html"))) if folder.is_dir() else 0,
                )


def _prepare(folder: Path, case: str, stack: ExitStack) -> None:
    if case == "missing folder":
        return
    if case == "file in the way":
        folder.write_text("no folder")
        return
    folder.mkdir()
    if case == "foreign index":
        (folder / "index.html").write_text("somebody else's")
    if case == "broken manifest":
        (folder / ".fallback-cast.json").write_text("{")
    if case == "other writer":
        stack.enter_context(FileLock(folder / LOCK))


def _note_pages(folder: Path, written: set[tuple[int, int]]) -> set[tuple[int, int]]:
    """Every page file seen so far: a rewritten page is a new file."""
    pages = folder.glob("2*.html") if folder.is_dir() else ()
    written |= {(page.stat().st_ino, page.stat().st_mtime_ns) for page in pages}
    return written


def _looks(faults: HttpFaults) -> int:
    return sum(request.method == "GET" for request in faults.requests)


def _url(case: str, faults: HttpFaults, stack: ExitStack) -> str:
    if case == "refused":
        return f"http://127.0.0.1:{stack.enter_context(refused_port())}{PATH}"
    if case == "silent":
        return f"http://127.0.0.1:{stack.enter_context(silent_server()).port}{PATH}"
    if case == "unresolvable":
        return f"http://nowhere.invalid{PATH}"
    return faults.url + PATH


FAKE = SiteFake()
