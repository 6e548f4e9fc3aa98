"""`serve`: one process that takes announcements over HTTP and dispatches them (design §10)."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import replace
from datetime import timedelta

import uvicorn

from fallback_cast.dispatch.clock import pause
from fallback_cast.dispatch.desk import Desk
from fallback_cast.ledger.view import open_ids, soonest
from fallback_cast.model.errors import UserError
from fallback_cast.settings import Settings
from fallback_cast.web.connections import Impatient
from fallback_cast.web.front import FrontDesk
from fallback_cast.web.server import build
from fallback_cast.wiring.app import App, open_app

HEAR_S = 60.0  # how often what has come back is read
LOOK_S = 1.0  # another process may have stored something
SOON = timedelta(minutes=1)
AT_MOST = 400  # connections at once
IDLE_S = 5


def check_settings(settings: Settings) -> None:
    """Raises UserError for what cannot be served."""
    if not settings.webhook and settings.serve.token is None and settings.club.public_url is None:
        raise UserError(
            "there is nothing to serve: no [[webhook]], no token in [serve], no public_url in [club]",
            where=str(settings.path),
            hint="see [serve] and [[webhook]] in channels.example.toml",
        )
    for webhook in settings.webhook:
        where = f"[[webhook]] {webhook.name}"
        if webhook.approval:
            raise UserError(
                "there is nobody to approve: this release has no pages for organisers",
                where=where,
                hint="take the approval line away, and set max_importance and max_per_day low",
            )


async def serve(settings: Settings, on_ready: Callable[[str], None]) -> None:
    """Listen and dispatch until SIGTERM or SIGINT. Raises UserError, LedgerError."""
    check_settings(settings)
    poke = asyncio.Event()
    with open_app(settings) as app:
        desk = Desk(app.ledger)
        front = FrontDesk(app, desk, poke.set)
        webhooks = {webhook.name: webhook for webhook in settings.webhook}
        server = _Server(
            uvicorn.Config(
                build(front, settings.serve.token, webhooks),
                host=settings.serve.host,
                port=settings.serve.port,
                log_config=None,
                access_log=False,
                http=Impatient,
                lifespan="off",
                server_header=False,
                limit_concurrency=AT_MOST,
                timeout_keep_alive=IDLE_S,
                timeout_graceful_shutdown=IDLE_S,
            )
        )
        try:
            server.on_ready = on_ready
            await _together(server, settings, poke)
        finally:
            desk.close()


class _Server(uvicorn.Server):
    """Signals are ours: the dispatcher has to put down what it holds before the process ends."""

    on_ready: Callable[[str], None]

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        host, port = self.servers[0].sockets[0].getsockname()[:2]
        self.on_ready(f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}")

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        return nullcontext()


async def _together(server: _Server, settings: Settings, poke: asyncio.Event) -> None:
    def leave() -> None:
        server.should_exit = True

    loop = asyncio.get_running_loop()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, leave)
    dispatching = asyncio.create_task(dispatch_for_ever(settings, poke))
    dispatching.add_done_callback(lambda _: leave())  # without it nothing taken would be sent
    try:
        await _listen(server, settings)
    finally:
        if not dispatching.done():
            dispatching.cancel()
        with suppress(asyncio.CancelledError):
            await dispatching


async def _listen(server: _Server, settings: Settings) -> None:
    try:
        await server.serve()
    except SystemExit:  # its way to say that the port is taken
        where = f"[serve] {settings.serve.host}:{settings.serve.port}"
        raise UserError(
            "this address cannot be listened on: another program has it, or it is not this machine's",
            where=where,
            hint="choose another port",
        ) from None


async def dispatch_for_ever(settings: Settings, poke: asyncio.Event) -> None:
    """Send whatever falls due, whoever stored it. Raises LedgerError."""
    loop = asyncio.get_running_loop()
    with open_app(settings) as app:
        desk = Desk(app.ledger)
        try:
            heard_s = loop.time()
            while True:
                if loop.time() - heard_s >= HEAR_S:
                    heard_s = loop.time()
                    await _fresh(app).collect_receipts(desk)
                due = await desk.run(soonest)
                if due is not None and due <= app.clock.now() + SOON:
                    ids = await desk.run(open_ids)
                    await _fresh(app).dispatch(ids)
                poke.clear()
                await pause(poke, LOOK_S)
        finally:
            desk.close()


def _fresh(app: App) -> App:
    """The same club with channels that nobody has closed yet."""
    return replace(app)
