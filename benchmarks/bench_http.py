"""HTTP: one JSON POST for each member to nginx, 50 in flight."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks import peers
from benchmarks.report import Report, Target, rate_table
from benchmarks.rounds import Contender, compete, module
from benchmarks.servers import HttpSink, http_sink

OURS, BEST = "fallback-cast", "httpx over aiohttp + uvloop"


def contenders(url: str, count: int) -> list[Contender]:
    """Slow ones send fewer messages: rates are compared, not totals."""

    def bare(client: str, loop: str, messages: int) -> list[object]:
        words = ("--loop", loop, "--url", url, "--count", messages)
        return module("benchmarks.loads.http_bare", client, *words)

    few = max(count // 10, 100)
    return [
        Contender(
            "wrk (limit)", module("benchmarks.loads.limit", "wrk", "--url", url), 0, peers.no_program("wrk")
        ),
        Contender("aiohttp + uvloop", bare("aiohttp", "uvloop", count), count),
        Contender("aiohttp", bare("aiohttp", "asyncio", count), count),
        Contender(BEST, bare("httpx-aiohttp", "uvloop", count), count),
        Contender("httpx as it comes", bare("httpx", "asyncio", few), few),
        Contender(
            "notifme-sdk",
            peers.node("notifme.js", url=url, count=count // 2),
            count // 2,
            peers.no_node("notifme-sdk"),
        ),
        Contender(
            "apprise, loop",
            module("benchmarks.loads.http_apprise", "--url", url, "--count", few),
            few,
        ),
        Contender(OURS, module("benchmarks.loads.ours", "telegram", "--url", url, "--count", count), count),
    ]


class _Counted:
    """Every message must have come to the sink, ours exactly once each."""

    def __init__(self, sink: HttpSink) -> None:
        self._sink = sink
        self._seen = sink.requests()

    def check(self, contender: Contender) -> None:
        now = self._sink.requests()
        came, self._seen = now - self._seen - 1, now  # one of them was this counter's
        probes = 1 if contender.name == OURS else 0
        if contender.name.startswith("apprise"):
            probes = 1  # the message that loads its plugins
        if contender.messages and came != contender.messages + probes:
            raise RuntimeError(f"{contender.name}: {came} requests for {contender.messages} messages")


def bench(quick: bool, rounds: int) -> Report:
    count = 2_000 if quick else 10_000
    report = Report("HTTP channel", "python -m benchmarks http")
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder, http_sink(Path(folder, "nginx")) as sink:
        rivals = contenders(sink.url, count)
        outcomes = compete(rivals, rounds, _Counted(sink).check, print)
    ours, best = outcomes[OURS], outcomes[BEST]
    report.targets.append(Target(f"ours ÷ bare {BEST}", ours.against(best), 0.8, True))
    report.targets.append(Target("ours ÷ apprise, loop", ours.against(outcomes["apprise, loop"]), 5, True))
    if "notifme-sdk" in outcomes:
        report.targets.append(Target("ours ÷ notifme-sdk", ours.against(outcomes["notifme-sdk"]), 1, True))
    report.lines += [f"{count:,} members, {rounds} rounds.", "", *rate_table(list(outcomes.values()), ours)]
    report.missing += [f"{rival.name}: {rival.missing}" for rival in rivals if rival.missing]
    return report
