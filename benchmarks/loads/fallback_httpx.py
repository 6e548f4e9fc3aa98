"""A fallback as one writes it oneself: httpx with its own time-outs, three tries each by tenacity, then the next."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import httpx
from tenacity import RetryError, retry, stop_after_attempt, wait_exponential

from benchmarks.loads.text import telegram_body


@retry(stop=stop_after_attempt(3), wait=wait_exponential())
def post(url: str) -> None:
    httpx.post(url, json=telegram_body(1)).raise_for_status()


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.loads.fallback_httpx")
    parser.add_argument("--url", required=True)
    parser.add_argument("--second", required=True)
    given = parser.parse_args(arguments)
    for url in (given.url, given.second):
        try:
            return post(url)
        except RetryError:
            continue
    raise SystemExit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
