"""Broadcasts to many while the first platform is gone or goes: time against healthy, and who got it how often."""

from __future__ import annotations

import json
import random
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from tests.counterparts.http_faults import blackhole
from tests.counterparts.ports import HOST

from benchmarks.rounds import ROOT, Contender, module, run_once

PATIENCE_S = 20.0  # of an urgent announcement, design §4


@dataclass(frozen=True)
class Case:
    name: str
    count: int
    first: str  # healthy, blackholed, or how it dies: refusing, silence


@dataclass(frozen=True)
class Broadcast:
    seconds: float
    at_first: int
    at_second: int
    unreached: int
    twice: int  # had both answers: the platform took it, said so, and the other one was used too
    maybe_twice: int  # the dying platform had read it and never answered: a possible duplicate


@dataclass
class Crowd:
    case: Case
    runs: list[Broadcast] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        return median(run.seconds for run in self.runs)

    def worst(self, what: str) -> int:
        return max(int(getattr(run, what)) for run in self.runs)


class _Sink:
    """The sink's process; `tally` ends it."""

    def __init__(self, *options: object) -> None:
        words = [str(word) for word in module("benchmarks.loads.sink", *options)]
        self._process = subprocess.Popen(
            words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self.url = f"http://{HOST}:{json.loads(self._process.stdout.readline())['port']}"
        self.answered: Counter[str] = Counter()
        self.unanswered: Counter[str] = Counter()

    def tally(self) -> None:
        out, _ = self._process.communicate(timeout=30)
        told: dict[str, Any] = json.loads(out)
        self.answered, self.unanswered = Counter(told["answered"]), Counter(told["unanswered"])


@contextmanager
def _first(case: Case) -> Iterator[tuple[str, _Sink | None]]:
    if case.first == "blackholed":
        with blackhole() as port:
            yield f"http://{HOST}:{port}", None
        return
    dies = case.first in ("refusing", "silence")
    sink = _Sink("--dies-after", case.count // 2, "--dies-by", case.first) if dies else _Sink()
    try:
        yield sink.url, sink
    finally:
        sink.tally()


def once(case: Case) -> Broadcast:
    second = _Sink()
    try:
        with _first(case) as (url, first):
            load = module(
                "benchmarks.loads.crowd", "--first", url, "--second", second.url, "--count", case.count
            )
            run = run_once(Contender(case.name, load, case.count))
    finally:
        second.tally()
    at_first = first.answered if first else Counter[str]()
    both = at_first + second.answered
    maybe = first.unanswered.keys() & second.answered.keys() if first else set()
    return Broadcast(
        run.seconds,
        at_first.total(),
        second.answered.total(),
        case.count - len(both),
        sum(times > 1 for times in both.values()),
        len(maybe),
    )


def crowds(cases: list[Case], rounds: int, say: Callable[[str], None]) -> dict[str, Crowd]:
    """Every case once a round, in another order each time."""
    found = {case.name: Crowd(case) for case in cases}
    for number in range(1, rounds + 1):
        for case in random.sample(cases, len(cases)):
            done = once(case)
            found[case.name].runs.append(done)
            say(f"  round {number}/{rounds}  {case.name}: {done.seconds:.2f} s, {done}")
    return found
