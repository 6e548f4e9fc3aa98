"""Commands and replies over a connection that is open: several commands may go before their replies come.

aiosmtplib opens the connection, encrypts it and logs in; but it reads one reply a command. With PIPELINING
(RFC 2920) a letter takes two turns with the server instead of four, which is half the time on a slow line.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import cast

from aiosmtplib import SMTPResponse

MOST_BYTES = 64 * 1024  # of one reply: a server that says more than this talks nonsense


class Broken(ConnectionError):
    """The connection is gone, or what came over it is no reply."""


class Conversation(asyncio.Protocol):
    """Takes over a transport. One coroutine at a time writes and reads."""

    def __init__(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._buffer = bytearray()
        self._lines: list[str] = []  # of a reply that is not complete
        self._replies: deque[SMTPResponse] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._broken: Broken | None = None
        self._transport.set_protocol(self)

    @property
    def alive(self) -> bool:
        return self._broken is None and not self._transport.is_closing()

    @property
    def unasked(self) -> bool:
        """Something came that nobody asked for: usually the server's farewell."""
        return bool(self._replies or self._buffer or self._lines)

    def write(self, data: bytes) -> None:
        """Raises Broken."""
        if not self.alive:
            raise self._broken or Broken("closed")
        self._transport.write(data)

    async def read(self, within_s: float) -> SMTPResponse:
        """The next reply, in the order of the commands. Raises TimeoutError or Broken."""
        if not self._replies:
            if self._broken is not None:
                raise self._broken
            await self._wait(within_s)
        return self._replies.popleft()

    async def _wait(self, within_s: float) -> None:
        loop = asyncio.get_running_loop()
        waiter = self._waiter = loop.create_future()
        bell = loop.call_later(within_s, _ring, waiter)
        try:
            await waiter
        finally:
            bell.cancel()
            self._waiter = None

    # -- what the event loop calls -------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        try:
            self._read_lines()
        except ValueError:
            self._break(Broken("no reply of a mail server"))
            self._transport.abort()

    def _read_lines(self) -> None:
        *lines, rest = self._buffer.split(b"\n")
        for line in lines:
            code, mark = int(line[:3]), line[3:4]
            self._lines.append(line[4:].strip().decode("utf-8", "surrogateescape"))
            if mark != b"-":
                self._replies.append(SMTPResponse(code, "\n".join(self._lines)))
                self._lines = []
        self._buffer = bytearray(rest)
        if len(rest) + sum(map(len, self._lines)) > MOST_BYTES:
            raise ValueError
        if self._replies and self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def eof_received(self) -> bool:
        self._break(Broken("the server hung up"))
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._break(Broken("the connection broke"))

    def _break(self, why: Broken) -> None:
        self._broken = self._broken or why
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(self._broken)


def _ring(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_exception(TimeoutError())
