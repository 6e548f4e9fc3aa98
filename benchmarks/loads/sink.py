"""A bare HTTP sink for crowds: answers every POST at once, counts by chat, and may die after so many.

Prints its port as a JSON line, and when its standard input ends what it answered: how often each chat.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys
from collections import Counter
from collections.abc import Sequence
from typing import Any

from benchmarks.loads.http_bare import run

_BODY = b'{"ok":true,"result":{"message_id":1,"chat":{"id":1}}}'
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (
    len(_BODY),
    _BODY,
)
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_CHAT = re.compile(rb'"chat_id": ?"?(\d+)')


class Sink:
    """What came, and whether this server still lives. A dying one refuses, or says nothing more."""

    def __init__(self, dies_after: int, dies_by: str) -> None:
        self.answered: Counter[int] = Counter()
        self.unanswered: Counter[int] = Counter()
        self.open: set[asyncio.Transport] = set()
        self.dead = False
        self.server: asyncio.Server | None = None
        self._messages, self._dies_after, self._dies_by = 0, dies_after, dies_by

    def take(self, chat: int) -> bool:
        """Whether this message gets its answer."""
        if self.dead:
            self.unanswered[chat] += 1
            return False
        self._messages += 1
        self.answered[chat] += 1
        if self._messages == self._dies_after:
            asyncio.get_running_loop().call_soon(self._die)
        return True

    def _die(self) -> None:
        self.dead = True
        if self._dies_by == "refusing" and self.server is not None:
            self.server.close()
            for transport in list(self.open):
                transport.abort()


class _Connection(asyncio.Protocol):
    def __init__(self, sink: Sink) -> None:
        self._sink, self._data = sink, b""

    def connection_made(self, transport: Any) -> None:  # a Transport, but not by uvloop's class
        self._transport = transport
        self._sink.open.add(transport)

    def connection_lost(self, _: Exception | None) -> None:
        self._sink.open.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        self._data += data
        while (end := self._data.find(b"\r\n\r\n")) >= 0:
            head = self._data[:end]
            found = _LENGTH.search(head)
            size = end + 4 + (int(found[1]) if found else 0)
            if len(self._data) < size:
                return
            request, self._data = self._data[:size], self._data[size:]
            self._answer(request)

    def _answer(self, request: bytes) -> None:
        chat = _CHAT.search(request) if b"/sendMessage" in request[:200] else None
        if self._sink.take(int(chat[1])) if chat else not self._sink.dead:
            self._transport.write(_ANSWER)


async def serve(dies_after: int, dies_by: str) -> None:
    loop, sink = asyncio.get_running_loop(), Sink(dies_after, dies_by)
    sink.server = await loop.create_server(lambda: _Connection(sink), "127.0.0.1", 0, backlog=1024)
    print(json.dumps({"port": sink.server.sockets[0].getsockname()[1]}), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    print(json.dumps({"answered": sink.answered, "unanswered": sink.unanswered}), flush=True)


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.loads.sink")
    parser.add_argument("--dies-after", type=int, default=0, help="messages; 0: never")
    parser.add_argument("--dies-by", choices=("refusing", "silence"), default="refusing")
    given = parser.parse_args(arguments)
    run("uvloop", serve(given.dies_after, given.dies_by))


if __name__ == "__main__":
    main(sys.argv[1:])
