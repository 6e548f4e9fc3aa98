"""Apprise and email: all recipients in one URL, its best; it sends to them one after the other."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import apprise

from benchmarks.loads.meter import measured
from benchmarks.loads.text import BODY, SENDER, TITLE, address


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.loads.email_apprise")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--count", type=int, required=True)
    given = parser.parse_args(arguments)
    people = ",".join(address(number) for number in range(1, given.count + 1))
    target = f"mailto://127.0.0.1:{given.port}?from={SENDER}&to={people}&mode=insecure"
    with measured(given.count) as reading:
        sender = apprise.Apprise()
        if not sender.add(target) or not sender.notify(title=TITLE, body=BODY):
            raise RuntimeError("apprise says no")
    reading.print()


if __name__ == "__main__":
    main(sys.argv[1:])
