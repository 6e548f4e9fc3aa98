"""A bare loop over an HTTP client: no ledger, no fallback, nothing remembered."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from typing import Any

from benchmarks.loads.meter import measured
from benchmarks.loads.text import telegram_body

Post = Callable[[dict[str, Any]], Awaitable[int]]
LOOPS = ("asyncio", "uvloop")
CLIENTS = ("httpx", "httpx-aiohttp", "aiohttp")


async def _poster(client: str, url: str, in_flight: int, stack: AsyncExitStack) -> Post:
    if client == "aiohttp":
        import aiohttp

        session = await stack.enter_async_context(
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=in_flight))
        )

        async def post_by_aiohttp(body: dict[str, Any]) -> int:
            async with session.post(url, json=body) as answer:
                await answer.read()
                return answer.status

        return post_by_aiohttp
    import httpx

    limits = httpx.Limits(max_connections=in_flight, max_keepalive_connections=in_flight)
    if client == "httpx":
        http = httpx.AsyncClient(limits=limits, timeout=60)
    else:
        from httpx_aiohttp import AiohttpTransport

        http = httpx.AsyncClient(transport=AiohttpTransport(limits=limits), timeout=60)
    await stack.enter_async_context(http)

    async def post_by_httpx(body: dict[str, Any]) -> int:
        return (await http.post(url, json=body)).status_code

    return post_by_httpx


async def _send_all(client: str, url: str, count: int, in_flight: int) -> None:
    async with AsyncExitStack() as stack:
        post = await _poster(client, url, in_flight, stack)
        numbers = iter(range(1, count + 1))

        async def work() -> None:
            for number in numbers:
                if (status := await post(telegram_body(number))) != 200:
                    raise RuntimeError(f"HTTP {status}")

        async with asyncio.TaskGroup() as group:
            for _ in range(in_flight):
                group.create_task(work())


def run(loop: str, main: Coroutine[Any, Any, None]) -> None:
    if loop == "uvloop":
        from uvloop import new_event_loop

        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            runner.run(main)
    else:
        asyncio.run(main)


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.loads.http_bare")
    parser.add_argument("client", choices=CLIENTS)
    parser.add_argument("--loop", choices=LOOPS, default="asyncio")
    parser.add_argument("--url", required=True)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--in-flight", type=int, default=50)
    given = parser.parse_args(arguments)
    if given.client != "aiohttp":
        import httpx  # noqa: F401  imports do not count
    if given.client != "httpx":
        import aiohttp  # noqa: F401
    url = f"{given.url}/bot1:benchmark/sendMessage"
    with measured(given.count) as reading:
        run(given.loop, _send_all(given.client, url, given.count, given.in_flight))
    reading.print()


if __name__ == "__main__":
    main(sys.argv[1:])
