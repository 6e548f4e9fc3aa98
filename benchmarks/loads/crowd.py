"""fallback-cast to many members with two addresses each: the whole way, the first platform in any state."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.loads import club
from benchmarks.loads.meter import measured
from benchmarks.loads.ours import broadcast, widen_paces
from fallback_cast.model.announcement import Importance
from fallback_cast.wiring.app import open_app


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.loads.crowd")
    parser.add_argument("--first", required=True, help="base URL of the first platform")
    parser.add_argument("--second", required=True)
    parser.add_argument("--count", type=int, required=True)
    given = parser.parse_args(arguments)
    tables = [club.telegram_table("first", given.first), club.telegram_table("second", given.second)]
    with (
        tempfile.TemporaryDirectory(prefix="benchmark-") as folder,
        open_app(club.settings_of(club.write_settings(Path(folder), tables))) as app,
    ):
        club.enrol(app, given.count, ["first", "second"])
        widen_paces()
        with measured(given.count) as reading:
            counts, _ = broadcast(app, Importance.URGENT)
        if counts.states != {"reached": given.count}:
            raise RuntimeError(f"not everybody was reached: {counts.states}")
        reading.extra.update(unknown=sum(channel.unknown for channel in counts.channels.values()))
        reading.print()


if __name__ == "__main__":
    main(sys.argv[1:])
