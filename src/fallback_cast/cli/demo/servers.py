"""The demo's world: a web server, a messenger that will die, a mail server and an SMS gateway.

All of them listen on 127.0.0.1 only, in one thread of this process, and keep a record of what they took.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Collection, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from aiohttp import web

from fallback_cast.cli.demo.mail import MailServer
from fallback_cast.cli.demo.messenger import Messenger
from fallback_cast.cli.demo.text_messages import TextGateway
from fallback_cast.model.errors import UserError
from fallback_cast.model.texts import Phrase

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Taken:
    """One message as a server took it: for whom, and what a reader would see."""

    server: str
    address: str
    text: str


@dataclass(frozen=True, slots=True)
class Guests:
    """Whom the servers know, and the secrets they ask for."""

    token: str
    chats: Collection[int]
    blocked: Collection[int]
    dies_after: int
    mailboxes: Collection[str]
    sms_password: str


@contextmanager
def running(folder: Path, guests: Guests) -> Iterator[Servers]:
    """Servers that run while the block does. `folder` is what the web server shows.

    Raises UserError if this machine lets nothing listen on 127.0.0.1.
    """
    servers = Servers(folder, guests)
    servers.start()
    try:
        yield servers
    finally:
        servers.stop()


class Servers:
    """They live in a thread that is a daemon: nothing outlives the command. `ports` are by name."""

    def __init__(self, folder: Path, guests: Guests) -> None:
        self.ports: dict[str, int] = {}
        self._folder = folder
        self._messenger = Messenger(guests.token, guests.chats, guests.blocked, guests.dies_after)
        self._mail = MailServer(guests.mailboxes)
        self._text_messages = TextGateway(guests.sms_password)
        self._ready = threading.Event()
        self._failure: OSError | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._leave: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._live, name="demo servers", daemon=True)

    @property
    def died_at(self) -> datetime | None:
        """When the messenger went down, if it has."""
        return self._messenger.died_at

    def taken(self) -> list[Taken]:
        """Every message that any of them took."""
        return [
            *(Taken("telegram", str(chat), text) for chat, text in self._messenger.taken),
            *(Taken("email", address, text) for address, text in self._mail.taken),
            *(Taken("sms", number, text) for number, text in self._text_messages.taken),
        ]

    def start(self) -> None:
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            why = self._failure.strerror or type(self._failure).__name__
            raise UserError(Phrase("the demo's servers cannot listen on {host}: {why}", host=HOST, why=why))

    def stop(self) -> None:
        if self._loop is not None and self._leave is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._leave.set)
        self._thread.join(timeout=5)

    def _live(self) -> None:
        try:
            asyncio.run(self._serve())
        except OSError as error:
            self._failure = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop, self._leave = asyncio.get_running_loop(), asyncio.Event()
        async with AsyncExitStack() as stack:
            self.ports["site"] = await _listen(stack, self._site())
            self.ports["telegram"] = await self._messenger.listen(stack, HOST)
            self.ports["email"] = await self._mail.listen(stack, HOST)
            self.ports["sms"] = await _listen(stack, self._text_messages.application())
            self._ready.set()
            await self._leave.wait()

    def _site(self) -> web.Application:
        site = web.Application()
        site.router.add_get("/", self._index)
        site.router.add_static("/", self._folder)
        return site

    async def _index(self, _: web.Request) -> web.StreamResponse:
        index = self._folder / "index.html"
        return web.FileResponse(index) if index.exists() else web.Response(status=404)


async def _listen(stack: AsyncExitStack, application: web.Application) -> int:
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, HOST, 0).start()
    return int(runner.addresses[0][1])
