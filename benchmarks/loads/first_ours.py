"""fallback-cast and one urgent announcement over two places, the first of which may be broken."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.loads import club
from benchmarks.loads.meter import began
from benchmarks.loads.ours import broadcast
from fallback_cast.model.announcement import Importance
from fallback_cast.wiring.app import open_app


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.loads.first_ours")
    parser.add_argument("--first", required=True, help="URL of the first channel")
    parser.add_argument("--second", required=True, help="URL of the second channel")
    parser.add_argument("--before", type=int, default=0, help="announcements made before the timed one")
    given = parser.parse_args(arguments)
    tables = [club.webhook_table("first", given.first), club.webhook_table("second", given.second)]
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        settings = club.settings_of(club.write_settings(Path(folder), tables))
        for _ in range(given.before):  # each as a run of the program of its own would do it
            with open_app(settings) as app:
                broadcast(app, Importance.URGENT)
        with open_app(settings) as app:
            began()
            counts, _ = broadcast(app, Importance.URGENT)
            if counts.states != {"reached": 1}:
                raise RuntimeError(f"not reached: {counts.states}")


if __name__ == "__main__":
    main(sys.argv[1:])
