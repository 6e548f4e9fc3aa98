"""How far memory grows while a broadcast goes to many members: peak above idle, in one process.

The members are enrolled by another process (`enrol`), and one message has gone out before (`send`), so that
neither counts: what remains is what the recipients cost.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.loads import club
from benchmarks.loads.meter import Reading, measured
from benchmarks.loads.ours import broadcast, check, run
from benchmarks.loads.text import BODY, TITLE
from fallback_cast.dispatch.accept import Draft
from fallback_cast.model.announcement import Importance
from fallback_cast.model.channel import Provider
from fallback_cast.model.delivery import Route
from fallback_cast.model.errors import Layer
from fallback_cast.model.health import Check
from fallback_cast.model.message import Accepted, Message
from fallback_cast.wiring.app import App, open_app

CHANNEL = "email"


def _no_wire(app: App) -> None:
    """Providers that take everything at once: the program alone, without a client's buffers."""
    for provider in app.channels[CHANNEL].providers:
        _swallow(provider)


def _swallow(provider: Provider) -> None:
    async def send(_: Message, __: str, ___: str) -> Accepted:
        return Accepted()

    async def probe() -> Sequence[Check]:
        return [Check(Layer.SERVICE, True, 0.0)]

    provider.send, provider.probe = send, probe  # type: ignore[method-assign]


def _warm(app: App) -> None:
    """One message on the same way: what a first send loads is no recipient's cost."""
    route = Route(CHANNEL, "organiser@example.org")
    stored = app.accept(Draft(title=TITLE, body=BODY, test_routes=(route,)))
    run(app.dispatch([stored.id]))


def _status_kib(key: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{key}:"))


def _send(folder: Path, count: int, port: int | None) -> Reading:
    with open_app(club.settings_of(folder / "channels.toml")) as app:
        if port is None:
            _no_wire(app)
        _warm(app)
        gc.collect()
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew (proc(5))
        idle = _status_kib("VmRSS")
        with measured(count) as reading:
            counts, _ = broadcast(app, Importance.NORMAL)
        check(counts, CHANNEL, count)
        reading.extra.update(idle_kib=idle, peak_kib=_status_kib("VmHWM"))
    return reading


def _enrol(folder: Path, count: int, port: int) -> None:
    table = club.email_table("127.0.0.1", port, 10)
    with open_app(club.settings_of(club.write_settings(folder, [table]))) as app:
        club.enrol(app, count, [CHANNEL])


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.loads.memory")
    parser.add_argument("what", choices=("enrol", "send"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--port", type=int, help="of the SMTP sink; without it nothing goes over a wire")
    given = parser.parse_args(arguments)
    if given.what == "enrol":
        _enrol(given.folder, given.count, given.port or 2525)
        Reading(given.count).print()
    else:
        _send(given.folder, given.count, given.port).print()


if __name__ == "__main__":
    assert os.name == "posix", "reads /proc"
    main(sys.argv[1:])
