"""A strict little messenger in the manner of Telegram's Bot API, which dies in mid-broadcast.

https://core.telegram.org/bots/api (2026-11). After its death its port refuses every connection, and what
was on the wire stays without an answer.
"""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import Collection, Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

ANSWERS_AFTER_S = 0.03  # about what a messenger in another country needs
LINGER_S = 0.02  # answers that are being written still leave; nothing new is taken
MAX_CHARACTERS = 4096
_TAG = re.compile(r"</?(?:b|i|s|u|a|code|pre|blockquote)(?: [^<>]*)?>")


class Refused(Exception):
    def __init__(self, status: int, description: str) -> None:
        super().__init__(description)
        self.status, self.description = status, description


class Messenger:
    """`taken` holds chat and text of every message that it accepted, in order."""

    def __init__(self, token: str, chats: Collection[int], blocked: Collection[int], dies_after: int) -> None:
        self.taken: list[tuple[int, str]] = []
        self.died_at: datetime | None = None
        self._token = token
        self._chats, self._blocked = chats, blocked
        self._dies_after = dies_after
        self._runner: web.AppRunner | None = None
        self._site: web.TCPSite | None = None
        self._dying: asyncio.Task[None] | None = None

    async def listen(self, stack: AsyncExitStack, host: str) -> int:
        """Start to serve; returns the port."""
        application = web.Application()
        application.router.add_post("/bot{token}/{method}", self._answer)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        stack.push_async_callback(self._runner.cleanup)
        self._site = web.TCPSite(self._runner, host, 0)
        await self._site.start()
        return int(self._runner.addresses[0][1])

    async def _answer(self, request: web.Request) -> web.Response:
        try:
            result = await self._result(request)
        except Refused as refused:
            body = {"ok": False, "error_code": refused.status, "description": refused.description}
            return web.json_response(body, status=refused.status)
        return web.json_response({"ok": True, "result": result})

    async def _result(self, request: web.Request) -> Mapping[str, Any]:
        if request.match_info["token"] != self._token:
            raise Refused(401, "Unauthorized")
        if request.content_type != "application/json":
            raise Refused(400, "Bad Request: only JSON is read here")
        body = await request.json()
        match request.match_info["method"]:
            case "getMe":
                return {"id": int(self._token.partition(":")[0]), "is_bot": True, "first_name": "Club"}
            case "sendMessage":
                await asyncio.sleep(ANSWERS_AFTER_S)
                return self._take(request, body)
        raise Refused(404, "Not Found: method not found")

    def _take(self, request: web.Request, body: Mapping[str, Any]) -> Mapping[str, Any]:
        chat, text = body.get("chat_id"), _read(body)
        if not isinstance(chat, int) or chat not in self._chats:
            raise Refused(400, "Bad Request: chat not found")
        if chat in self._blocked:
            raise Refused(403, "Forbidden: bot was blocked by the user")
        if len(self.taken) >= self._dies_after:
            self._die()
            if request.transport is not None:
                request.transport.abort()  # the answer that is never written
            return {}
        self.taken.append((chat, text))
        return {
            "message_id": len(self.taken),
            "date": int(datetime.now(UTC).timestamp()),
            "chat": {"id": chat, "type": "private"},
            "text": text,
        }

    def _die(self) -> None:
        if self.died_at is None:
            self.died_at = datetime.now(UTC)
            self._dying = asyncio.create_task(self._close())

    async def _close(self) -> None:
        """Nobody gets in any more; then whoever still holds a line loses it."""
        assert self._runner is not None
        assert self._site is not None
        await self._site.stop()
        await asyncio.sleep(LINGER_S)
        server = self._runner.server
        for connection in server.connections if server is not None else ():
            if connection.transport is not None:
                connection.transport.abort()


def _read(body: Mapping[str, Any]) -> str:
    """What a reader sees. Raises Refused where the real one would."""
    markup = body.get("text")
    if not isinstance(markup, str) or body.get("parse_mode") != "HTML":
        raise Refused(400, "Bad Request: message text is empty")
    bare = _TAG.sub("", markup)
    if "<" in bare or ">" in bare:
        raise Refused(400, "Bad Request: can't parse entities: unsupported start tag")
    text = html.unescape(bare).strip()
    if not text:
        raise Refused(400, "Bad Request: message text is empty")
    if len(text.encode("utf-16-le")) // 2 > MAX_CHARACTERS:
        raise Refused(400, "Bad Request: message is too long")
    return text
