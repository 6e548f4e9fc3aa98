"""Contenders run in turns, round after round, so that noise hits all alike; medians and ratios of rounds."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PATIENCE_S = 300.0


@dataclass(frozen=True)
class Contender:
    """One way to send. `command` is a load: a process that prints the JSON line of `loads.meter`."""

    name: str
    command: Sequence[object]
    messages: int
    missing: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    patience_s: float = PATIENCE_S


@dataclass(frozen=True)
class Run:
    messages: int
    seconds: float
    cpu_s: float
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        return self.messages / self.seconds


@dataclass
class Outcome:
    """What one contender did in each round."""

    contender: Contender
    runs: list[Run] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Messages a second, the median of the rounds."""
        return median(run.rate for run in self.runs)

    @property
    def spread(self) -> float:
        """(fastest - slowest) / median of the rounds: how noisy the machine was."""
        rates = [run.rate for run in self.runs]
        return (max(rates) - min(rates)) / median(rates)

    @property
    def cpu_us(self) -> float:
        """Microseconds of CPU for a message, in the sender's process alone; 0 where it was not measured."""
        return median(run.cpu_s / run.messages * 1e6 for run in self.runs)

    def against(self, other: Outcome) -> float:
        """Our rate over the other's, in the same round; the median of the rounds."""
        return median(mine.rate / theirs.rate for mine, theirs in zip(self.runs, other.runs, strict=True))


def module(name: str, *words: object) -> list[object]:
    """A command that runs a module of this project with this Python."""
    return [sys.executable, "-m", name, *words]


def surroundings(**more: str) -> dict[str, str]:
    """The environment of a command as an installed one has it: its modules are compiled once and kept."""
    without = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**without, **more}


def run_once(contender: Contender) -> Run:
    words = [str(word) for word in contender.command]
    done = subprocess.run(
        words,
        cwd=ROOT,
        env=surroundings(**contender.env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=contender.patience_s,
    )
    if done.returncode:
        raise RuntimeError(f"{contender.name} ended with {done.returncode}: {done.stderr[-2000:]}")
    return Run(**json.loads(done.stdout.splitlines()[-1]))


def compete(
    contenders: Sequence[Contender],
    rounds: int,
    check: Callable[[Contender], None] = lambda _: None,
    say: Callable[[str], None] = lambda _: None,
) -> dict[str, Outcome]:
    """Every contender once a round, in another order each time. `check` looks at the sink after each run."""
    present = [contender for contender in contenders if not contender.missing]
    outcomes = {contender.name: Outcome(contender) for contender in present}
    for number in range(1, rounds + 1):
        for contender in random.sample(present, len(present)):
            run = run_once(contender)
            check(contender)
            outcomes[contender.name].runs.append(run)
            say(f"  round {number}/{rounds}  {contender.name}: {run.rate:,.0f}/s")
    return outcomes
