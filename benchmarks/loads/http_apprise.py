"""Apprise as its users call it: one object for each address, one after the other."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from urllib.parse import urlsplit

import apprise

from benchmarks.loads.meter import measured
from benchmarks.loads.text import BODY, TITLE


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.loads.http_apprise")
    parser.add_argument("--url", required=True)
    parser.add_argument("--count", type=int, required=True)
    given = parser.parse_args(arguments)
    target = f"json://{urlsplit(given.url).netloc}/bot1:benchmark/sendMessage"
    warm = apprise.Apprise()
    warm.add(target)
    warm.notify(title=TITLE, body=BODY)  # plugins are loaded at the first use
    with measured(given.count) as reading:
        for _ in range(given.count):
            sender = apprise.Apprise()
            sender.add(target)
            if not sender.notify(title=TITLE, body=BODY):
                raise RuntimeError("apprise says no")
    reading.print()


if __name__ == "__main__":
    main(sys.argv[1:])
