"""What people write today for two ranked HTTP channels: Apprise in ranks, or httpx with tenacity."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from urllib.parse import urlsplit

from benchmarks.loads.meter import began
from benchmarks.loads.text import BODY, TITLE, telegram_body

PATH = "/bot1:benchmark/sendMessage"


def by_apprise(urls: Sequence[str], query: str) -> None:
    import apprise

    apprise.Apprise().add("json://127.0.0.1")  # its plugins are loaded at the first use
    began()
    for url in urls:
        sender = apprise.Apprise()
        sender.add(f"json://{urlsplit(url).netloc}{PATH}{query}")
        if sender.notify(title=TITLE, body=BODY):
            return


async def by_tenacity(urls: Sequence[str]) -> None:
    """Three tries a channel, waits of one and two seconds, httpx's own time-outs of five."""
    import httpx
    from tenacity import RetryError, retry, stop_after_attempt, wait_exponential

    async with httpx.AsyncClient() as client:

        @retry(stop=stop_after_attempt(3), wait=wait_exponential(multiplier=1))
        async def post(url: str) -> None:
            (await client.post(url + PATH, json=telegram_body(1))).raise_for_status()

        began()
        for url in urls:
            try:
                await post(url)
            except RetryError:
                continue
            return


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.loads.first_peers")
    parser.add_argument("peer", choices=("apprise", "apprise-tuned", "tenacity"))
    parser.add_argument("--first", required=True)
    parser.add_argument("--second", required=True)
    given = parser.parse_args(arguments)
    urls = (given.first, given.second)
    if given.peer == "tenacity":
        asyncio.run(by_tenacity(urls))
    else:
        by_apprise(urls, "?cto=1&rto=1" if given.peer == "apprise-tuned" else "")


if __name__ == "__main__":
    main(sys.argv[1:])
