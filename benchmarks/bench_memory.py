"""Memory: peak above idle while one announcement goes to many members, without a wire and over SMTP."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from tests.counterparts.smtp_sink import smtp_sink

from benchmarks import peers
from benchmarks.report import Report, Target
from benchmarks.rounds import Contender, Run, module, run_once

SIZES, QUICK_SIZES = (10_000, 100_000), (1_000, 10_000)
GROWTH_MIB = 40.0  # for 100,000 recipients
FLAT_MIB = 5.0  # what ten times as many may add, allocator's noise included
PATIENCE_S = 1_200.0
AT_MOST_ROUNDS = 2  # 100,000 take minutes, and memory is not noisy


@dataclass
class Growth:
    count: int
    over: str
    runs: list[Run] = field(default_factory=list)

    @property
    def mib(self) -> float:
        """Peak above idle, the median."""
        return median((run.extra["peak_kib"] - run.extra["idle_kib"]) / 1024 for run in self.runs)

    @property
    def idle_mib(self) -> float:
        return median(run.extra["idle_kib"] / 1024 for run in self.runs)

    @property
    def rate(self) -> float:
        return median(run.rate for run in self.runs)


def bench(quick: bool, rounds: int) -> Report:
    sizes = QUICK_SIZES if quick else SIZES
    report = Report("Memory of a broadcast", "python -m benchmarks memory")
    growths = [Growth(count, "nothing") for count in sizes]
    no_sink = peers.no_program("smtp-sink")
    if no_sink:
        report.missing.append(f"over SMTP: {no_sink}")
    else:
        growths += [Growth(count, "SMTP sink") for count in sizes]
    for number in range(1, min(rounds, AT_MOST_ROUNDS) + 1):
        for growth in growths:
            growth.runs.append(once(growth.count, growth.over))
            print(f"  round {number}  {growth.count:,} over {growth.over}: {growth.mib:.1f} MiB", flush=True)
    report.targets += _targets(growths)
    report.lines += _table(growths)
    return report


def once(count: int, over: str) -> Run:
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        folder = Path(name)
        if over == "nothing":
            return _broadcast(folder, count, ())
        with smtp_sink(folder / "sink") as sink:
            return _broadcast(folder, count, ("--port", sink.port))


def _broadcast(folder: Path, count: int, port: tuple[object, ...]) -> Run:
    def load(what: str) -> Contender:
        words = module("benchmarks.loads.memory", what, folder, "--count", count, *port)
        return Contender(f"{what} {count:,}", words, count, patience_s=PATIENCE_S)

    run_once(load("enrol"))
    return run_once(load("send"))


def _targets(growths: list[Growth]) -> list[Target]:
    targets = []
    for small, big in zip(growths[::2], growths[1::2], strict=True):
        what = f"over {big.over}"
        targets += [
            Target(f"{big.count:,} recipients {what}: peak above idle", big.mib, GROWTH_MIB, False, "MiB"),
            Target(
                f"{what}: {big.count:,} recipients more than {small.count:,}",
                big.mib - small.mib,
                FLAT_MIB,
                False,
                "MiB",
            ),
        ]
    return targets


def _table(growths: list[Growth]) -> list[str]:
    first: Callable[[Growth], Growth] = lambda one: next(g for g in growths if g.over == one.over)  # noqa: E731
    rows = [
        "| recipients | over | ÷ the smaller | peak above idle, MiB | idle, MiB | messages/s |",
        "|---|---|---|---|---|---|",
    ]
    for growth in growths:
        ratio = growth.mib / first(growth).mib
        cells = f"{ratio:.2f} | {growth.mib:.1f} | {growth.idle_mib:.0f} | {growth.rate:,.0f}"
        rows.append(f"| {growth.count:,} | {growth.over} | {cells} |")
    return [*rows, ""]
