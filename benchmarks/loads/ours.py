"""fallback-cast itself, the whole way: members in a ledger on disk, `App.accept`, `App.dispatch`.

Nothing is left out: the announcement and every attempt are durable (SQLite, WAL, synchronous FULL)
before the wire is touched, every outcome after it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.loads import club
from benchmarks.loads.meter import measured
from benchmarks.loads.text import BODY, TITLE
from fallback_cast.dispatch.accept import Draft
from fallback_cast.dispatch.dispatcher import RunEnd
from fallback_cast.ledger.progress import Counts, count
from fallback_cast.model.announcement import Importance
from fallback_cast.wiring.app import App, open_app
from fallback_cast.workers.local import run


def widen_paces() -> None:
    """Keep every pace and its bookkeeping, but let a million times more through.

    Telegram's real limit (20 a second) would measure the limit, not the program; a relay's stands in the settings.
    """
    from fallback_cast.channels.telegram import channel as telegram

    telegram.BOT_INTERVAL_S /= 1e6
    telegram.CHAT_INTERVAL_S /= 1e6
    telegram.BOT_BURST = 1_000_000


def broadcast(app: App, importance: Importance) -> tuple[Counts, float]:
    """Announce and dispatch to the end; returns what the ledger says and the seconds of `accept`."""
    started = time.perf_counter()
    stored = app.accept(Draft(title=TITLE, body=BODY, importance=importance, again=True))
    accepted_s = time.perf_counter() - started
    end = run(app.dispatch([stored.id]))
    if end is not RunEnd.SETTLED:
        raise RuntimeError(f"the run ended with {end}")
    return count(app.ledger, stored.id), accepted_s


def check(counts: Counts, channel: str, expected: int) -> None:
    """Everybody reached, on this channel, once each; anything else is no result."""
    done = counts.channels[channel]
    sent = done.accepted + done.delivered
    if counts.states != {"reached": expected} or sent != expected or done.unknown or done.failed:
        raise RuntimeError(f"not a clean run: {counts.states}, {channel}: {done}")


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.loads.ours")
    parser.add_argument("kind", choices=("telegram", "email"))
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--url", help="telegram: base URL of the server")
    parser.add_argument("--port", type=int, help="email: port of the relay on loopback")
    parser.add_argument("--connections", type=int, default=10, help="email: connections to the relay")
    given = parser.parse_args(arguments)
    table = (
        club.telegram_table("telegram", given.url)
        if given.kind == "telegram"
        else club.email_table("127.0.0.1", given.port, given.connections)
    )
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        settings = club.settings_of(club.write_settings(Path(folder), [table]))
        with open_app(settings) as app:
            club.enrol(app, given.count, [given.kind])
            widen_paces()
            loop_cpu_s = -time.thread_time()
            with measured(given.count) as reading:
                counts, accepted_s = broadcast(app, Importance.NORMAL)
            loop_cpu_s += time.thread_time()  # the rest of cpu_s is the ledger's thread
            check(counts, given.kind, given.count)
            reading.extra.update(accept_s=accepted_s, loop_cpu_s=loop_cpu_s)
            reading.print()


if __name__ == "__main__":
    main(sys.argv[1:])
