"""Bounds on what a request may bring and how long it may take, before anything looks at it."""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fallback_cast.web.refusals import Refused, refusal_response

MAX_BYTES = 1_200_000  # a body of the largest text that is sent, and what stands around it
BODY_S = 10.0  # who takes longer to send it is not waited for


class Bounded:
    """Reads a request's body whole, within the bounds, and hands it on; 413 or 408 otherwise."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            async with asyncio.timeout(BODY_S):
                body = await _read(receive)
        except TimeoutError:
            await refusal_response(Refused(408, "the body took too long"))(scope, receive, send)
            return
        except Refused as error:
            await refusal_response(error)(scope, receive, send)
            return
        if body is not None:
            await self._app(scope, _replay(body, receive), send)


async def _read(receive: Receive) -> bytes | None:
    """The body; None if the caller hung up. Raises Refused if it is too large."""
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        part = message.get("body", b"")
        size += len(part)
        if size > MAX_BYTES:
            raise Refused(413, f"more than {MAX_BYTES // 1000} kB are not taken", {"Connection": "close"})
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
