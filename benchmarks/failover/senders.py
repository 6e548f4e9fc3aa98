"""The contenders: each is a command that sends one message to the second channel if the first fails."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks import peers
from benchmarks.loads import club
from benchmarks.loads.text import BODY, TITLE
from benchmarks.rounds import module

PROGRAM = "from fallback_cast.cli.app import main; main()"

# (folder for its files, address of the first, of the second, the first's outage is known) → the command
Prepare = Callable[[Path, str, str, bool], Sequence[object]]


@dataclass(frozen=True)
class Sender:
    name: str
    prepare: Prepare
    missing: str = ""
    remembers: bool = False


def _ours(folder: Path, first: str, second: str, known: bool) -> Sequence[object]:
    """A club whose ledger exists already, as it does when an outage comes."""
    from fallback_cast.ledger.memory import save_health
    from fallback_cast.wiring.app import fingerprint, open_app

    tables = [club.webhook_table("first", first + "/"), club.webhook_table("second", second + "/")]
    path = club.write_settings(folder, tables)
    with open_app(club.settings_of(path)) as app:
        if known:
            settings = next(c for c in app.settings.channel if c.name == "first")
            provider = app.channels["first"].providers[0].name
            save_health(app.ledger, "benchmark", [_outage(provider, fingerprint(settings))], [])
    script = folder / "fallback-cast"
    script.write_text(PROGRAM)
    return [sys.executable, script, "send", "--config", path, "-t", TITLE, "-b", BODY, "-i", "urgent"]


def _outage(provider: str, fingerprint: str) -> object:
    from fallback_cast.ledger.memory import Breaker
    from fallback_cast.model.errors import Layer
    from fallback_cast.model.health import Verdict

    now = datetime.now(UTC)
    return Breaker(
        channel="first",
        provider=provider,
        verdict=Verdict.DOWN,
        failures=3.0,
        openings=1,
        since=now,
        seen_at=now,
        retry_at=now + timedelta(minutes=5),
        layer=Layer.ROUTE,
        reason="no connection in time",
        fingerprint=fingerprint,  # of other settings it would be void
        configured_at=now - timedelta(days=1),
    )


def _apprise(options: str) -> Prepare:
    def prepare(folder: Path, first: str, second: str, _: bool) -> Sequence[object]:
        ranks = folder / "apprise.conf"
        targets = [f"json{url.removeprefix('http')}/{options}" for url in (first, second)]
        ranks.write_text("".join(f"{rank}:club={target}\n" for rank, target in enumerate(targets)))
        return [Path(sys.executable).parent / "apprise", "-c", ranks, "-g", "club", "-t", TITLE, "-b", BODY]

    return prepare


def _httpx(_: Path, first: str, second: str, __: bool) -> Sequence[object]:
    return module("benchmarks.loads.fallback_httpx", "--url", first, "--second", second)


def _notifme(_: Path, first: str, second: str, __: bool) -> Sequence[object]:
    return peers.node("notifme.js", url=first, second=second, count=1)


OURS = Sender("fallback-cast", _ours, remembers=True)
PEERS = (
    Sender("apprise, ranks", _apprise("")),
    Sender("apprise, ranks, cto=1 rto=1", _apprise("?cto=1&rto=1")),
    Sender("httpx + tenacity", _httpx),
    Sender("notifme-sdk", _notifme, peers.no_node("notifme-sdk")),
)
