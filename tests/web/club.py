"""A club whose `serve` runs as a real process; tests call it over HTTP."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from standardwebhooks import Webhook

from tests.cli.test_demo import run
from tests.counterparts.processes import wait_for

KEY = base64.b64encode(b"0" * 32).decode()
SECRET, NEW_SECRET = f"whsec_{KEY}", "whsec_" + base64.b64encode(b"1" * 32).decode()
PROGRAM = "from fallback_cast.cli.app import main; main()"
TOKEN = "a-token-of-this-test"
SECRETS = {"SECRET": SECRET, "NEW": NEW_SECRET, "TOKEN": TOKEN}

HOOK = """[[webhook]]
name = "site"
kind = "standard"
secret = "env:SECRET"
"""


@dataclass
class Serving:
    """One run of `serve`."""

    process: subprocess.Popen[bytes]
    talk: Path
    url: str

    def call(self, name: str, body: bytes, headers: Mapping[str, str]) -> httpx.Response:
        return httpx.post(f"{self.url}/hooks/{name}", content=body, headers=headers, timeout=20)

    def signed(
        self, wanted: object, id: str = "msg_1", *, secret: str = SECRET, at: datetime | None = None
    ) -> httpx.Response:
        body = wanted if isinstance(wanted, bytes) else json.dumps(wanted).encode()
        return self.call("site", body, sign(body, id, secret, at))

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def sign(body: bytes, id: str, secret: str = SECRET, at: datetime | None = None) -> dict[str, str]:
    at = at or datetime.now(UTC)
    return {
        "webhook-id": id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(id, at, body.decode("latin-1")),
        "content-type": "application/json",
    }


@dataclass
class Club:
    folder: Path

    @contextmanager
    def serving(self) -> Iterator[Serving]:
        talk = self.folder / "talk"
        environment = os.environ | SECRETS | {"NO_COLOR": "1"}
        with talk.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-c", PROGRAM, "serve", "--lang", "en"],
                cwd=self.folder,
                env=environment,
                stdout=file,
                stderr=file,
            )
        try:
            found = wait_for(
                lambda: process.poll() is not None or re.search(r"http://\S+:\d+", talk.read_text()),
                "serve to listen",
                20,
            )
            assert isinstance(found, re.Match), talk.read_text()
            yield Serving(process, talk, found[0])
        finally:
            if process.poll() is None:
                process.terminate()
            process.wait(20)

    def pages(self) -> list[str]:
        return sorted(page.name for page in (self.folder / "public").glob("2*.html"))

    def wait_for_pages(self, count: int) -> None:
        wait_for(lambda: len(self.pages()) >= count, f"{count} pages", 30)

    def status(self, id: str) -> dict[str, Any]:
        done = run("status", id, "--json", cwd=self.folder, env=SECRETS)
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def wait_until_settled(self, id: str) -> None:
        wait_for(lambda: self.status(id)["state"] == "settled", f"{id} to settle", 30)


def make_club(folder: Path, *more: str) -> Club:
    (folder / "public").mkdir()
    settings = (
        '[club]\nname = "Club"\nlanguage = "en"\ntimezone = "Europe/Paris"\n'
        '[[channel]]\nname = "site"\nkind = "site"\ndirectory = "public"\n'
        f'[serve]\nport = 0\ntoken = "env:TOKEN"\n{"".join(more)}'
    )
    (folder / "channels.toml").write_text(settings)
    return Club(folder)
