"""Email: one message for each member to Postfix's smtp-sink, over ten connections."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.counterparts.smtp_sink import SmtpSink, smtp_sink

from benchmarks import peers
from benchmarks.report import Report, Target, rate_table
from benchmarks.rounds import Contender, compete, module

OURS, BEST = "fallback-cast", "aiosmtplib + uvloop, prepared bytes"
CONNECTIONS = 10


def contenders(port: int, count: int) -> list[Contender]:
    """Slow ones send fewer messages: rates are compared, not totals."""

    def load(name: str, *words: object, messages: int = count) -> list[object]:
        return module(name, *words, "--port", port, "--count", messages)

    wide = ("--connections", CONNECTIONS)
    few = max(count // 10, 100)
    half = count // 2
    return [
        Contender(
            "smtp-source (limit)",
            load("benchmarks.loads.limit", "smtp-source", *wide),
            count,
            peers.no_program("smtp-source"),
        ),
        Contender(BEST, load("benchmarks.loads.email_bare", "--loop", "uvloop", *wide), count),
        Contender("aiosmtplib, prepared bytes", load("benchmarks.loads.email_bare", *wide), count),
        Contender(
            "nodemailer, pool",
            peers.node("nodemailer.js", port=port, count=half, connections=CONNECTIONS),
            half,
            peers.no_node("nodemailer"),
        ),
        Contender("apprise, all in one URL", load("benchmarks.loads.email_apprise", messages=few), few),
        Contender(OURS, load("benchmarks.loads.ours", "email", *wide), count),
    ]


class _Counted:
    """Every message must have come to the sink, and none twice."""

    def __init__(self, sink: SmtpSink) -> None:
        self._sink, self._seen = sink, 0

    def check(self, contender: Contender) -> None:
        self._seen += contender.messages
        self._sink.wait_for_count(self._seen)
        if (came := self._sink.count()) != self._seen:
            raise RuntimeError(f"{contender.name}: {came - self._seen} messages too many")


def bench(quick: bool, rounds: int) -> Report:
    count = 2_000 if quick else 10_000
    report = Report("Email channel", "python -m benchmarks email")
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder, smtp_sink(Path(folder, "sink")) as sink:
        rivals = contenders(sink.port, count)
        outcomes = compete(rivals, rounds, _Counted(sink).check, print)
    ours = outcomes[OURS]
    for name, wanted in ((BEST, 0.7), ("nodemailer, pool", 3.0), ("apprise, all in one URL", 6.0)):
        if name in outcomes:
            report.targets.append(Target(f"ours ÷ {name}", ours.against(outcomes[name]), wanted, True))
    report.lines += [f"{count:,} members, {rounds} rounds, {CONNECTIONS} connections.", ""]
    report.lines += rate_table(list(outcomes.values()), ours)
    report.missing += [f"{rival.name}: {rival.missing}" for rival in rivals if rival.missing]
    return report
