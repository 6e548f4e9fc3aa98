"""A small SMS gateway in Kannel's manner: sendsms by POST, account and number in headers.

Kannel 1.4.5 User's Guide, "SMS Push" (https://www.kannel.org/download/1.4.5/userguide-1.4.5/userguide.html,
2026-11).
"""

from __future__ import annotations

from aiohttp import web

USERNAME = "club"
SENDSMS_PATH = "/cgi-bin/sendsms"


class TextGateway:
    """`taken` holds number and text of every message that it accepted, in order."""

    def __init__(self, password: str) -> None:
        self.taken: list[tuple[str, str]] = []
        self._password = password

    def application(self) -> web.Application:
        application = web.Application()
        application.router.add_post(SENDSMS_PATH, self._answer)
        return application

    async def _answer(self, request: web.Request) -> web.Response:
        asked = request.headers
        account = (asked.get("X-Kannel-Username"), asked.get("X-Kannel-Password"))
        if account != (USERNAME, self._password):
            return web.Response(status=403, text="Authorization failed for sendsms")
        number = asked.get("X-Kannel-To")
        if not number:
            return web.Response(status=400, text="Missing receiver number, rejected")
        if not number.removeprefix("+").isdigit():
            return web.Response(status=400, text="Garbage receiver number, rejected")
        self.taken.append((number, await request.text()))
        return web.Response(status=202, text="0: Accepted for delivery")
