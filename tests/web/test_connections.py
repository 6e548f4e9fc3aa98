"""Callers who dribble are hung up on; others are served meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import uvicorn

from fallback_cast.web.connections import Impatient


class Hasty(Impatient):
    head_s = 0.3


async def hello(scope: dict[str, object], receive: object, send: object) -> None:
    headers = [(b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})  # type: ignore[operator]
    await send({"type": "http.response.body", "body": b"hi"})  # type: ignore[operator]


@asynccontextmanager
async def server() -> AsyncIterator[int]:
    config = uvicorn.Config(hello, port=0, http=Hasty, lifespan="off", log_config=None, timeout_keep_alive=60)  # type: ignore[arg-type]
    serving = uvicorn.Server(config)
    config.load()
    serving.lifespan = config.lifespan_class(config)
    await serving.startup()
    try:
        yield serving.servers[0].sockets[0].getsockname()[1]
    finally:
        await serving.shutdown()


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    await reader.readuntil(b"\r\n\r\nhi")


async def test_unfinished_heads_are_hung_up_on_and_others_served() -> None:
    async with server() as port, asyncio.timeout(10):
        slow = [await asyncio.open_connection("127.0.0.1", port) for _ in range(30)]
        for number, (_, writer) in enumerate(slow):
            writer.write(b"" if number % 2 else b"GET / HTTP/1.1\r\nHo")
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await ask(reader, writer)
        for slow_reader, slow_writer in slow:
            with suppress(ConnectionResetError):
                assert await slow_reader.read() == b""
            slow_writer.close()
        await ask(reader, writer)  # a good caller's connection is kept
        writer.write(b"GET / HT")  # … until it dribbles too
        with suppress(ConnectionResetError):
            assert await reader.read() == b""
        writer.close()
