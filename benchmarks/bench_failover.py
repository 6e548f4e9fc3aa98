"""The first message after the first channel died: seconds until the second channel has it."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from tests.counterparts.http_faults import Action, HttpFaults, Request, http_faults, reply
from tests.counterparts.processes import end

from benchmarks import peers
from benchmarks.broken import STATES, First, first_channel
from benchmarks.report import Report, Target
from benchmarks.rounds import ROOT, module
from benchmarks.servers import ANSWER, Missing

CAP_S = 15.0  # whoever is not there by then has lost; some would take minutes
OURS, KNOWN = "fallback-cast", "fallback-cast, outage known"
WANTED_S = {"refused": 0.2, "blackholed": 1.3, "silent": 1.3, "name server silent": 1.3}


@dataclass
class Arrivals:
    """When messages came to the second channel, on the clock that all processes share."""

    at: list[float] = field(default_factory=list)

    def take(self, request: Request) -> Action:
        if request.method == "POST":
            self.at.append(time.monotonic())
        return reply(200, ANSWER, headers={"Content-Type": "application/json"})


@dataclass(frozen=True)
class Trial:
    """One message. `arrived_s` and `left_s` count from the moment of asking; None: not within CAP_S."""

    arrived_s: float | None
    left_s: float | None
    messages: int  # that came to a server in full; more than one may be a double delivery


def contenders(first: First, second: str) -> dict[str, Sequence[object]]:
    urls = ("--first", first.url, "--second", second)
    found: dict[str, Sequence[object]] = {
        OURS: module("benchmarks.loads.first_ours", *urls),
        KNOWN: module("benchmarks.loads.first_ours", *urls, "--before", 1),
        "apprise, ranks": module("benchmarks.loads.first_peers", "apprise", *urls),
        "apprise, ?cto=1&rto=1": module("benchmarks.loads.first_peers", "apprise-tuned", *urls),
        "httpx + tenacity": module("benchmarks.loads.first_peers", "tenacity", *urls),
    }
    if not peers.no_node("notifme-sdk"):
        found["notifme-sdk"] = peers.node("notifme.js", url=first.url, second=second, count=1)
    return {name: [*first.wrap, *command] for name, command in found.items()}


def attempt(command: Sequence[object], first: First, second: HttpFaults) -> Trial:
    arrivals = Arrivals()
    second.always(arrivals.take)
    before = first.messages()
    words = [str(word) for word in command]
    process = subprocess.Popen(
        words,
        cwd=ROOT,
        env=dict(os.environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"it did not begin: {process.communicate()[1].decode()[-2000:]}")
    began = float(json.loads(line)["began"])
    try:
        _, errors = process.communicate(timeout=CAP_S)
        left_s = time.monotonic() - began
        if process.returncode:
            raise RuntimeError(f"{words[-6:]} ended with {process.returncode}: {errors.decode()[-2000:]}")
    except subprocess.TimeoutExpired:
        end(process)
        left_s = None
    earlier = [at for at in arrivals.at if at < began]  # of announcements before the timed one
    came = arrivals.at[len(earlier) :]
    arrived_s = came[0] - began if came else None
    return Trial(arrived_s, left_s, len(came) + first.messages() - before)


def bench(quick: bool, rounds: int) -> Report:
    report = Report("First message after the first channel died", "python -m benchmarks failover")
    trials: dict[str, dict[str, list[Trial]]] = {}
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder, http_faults() as second:
        for state in STATES:
            try:
                with first_channel(state, Path(folder)) as first:
                    trials[state] = _trials(state, first, second, quick, 2 if quick else min(rounds, 3))
            except Missing as missing:
                report.missing.append(f"{state}: {missing}")
    _judge(report, trials)
    return report


def _trials(state: str, first: First, second: HttpFaults, quick: bool, rounds: int) -> dict[str, list[Trial]]:
    found: dict[str, list[Trial]] = {}
    commands = contenders(first, second.url)
    for _ in range(rounds):
        for name, command in commands.items():
            slow = quick and name not in (OURS, KNOWN) and found.get(name)
            if not slow:
                trial = attempt(command, first, second)
                found.setdefault(name, []).append(trial)
                print(f"  {state}: {name}: {_seconds(trial.arrived_s)}", flush=True)
    return found


def _judge(report: Report, trials: dict[str, dict[str, list[Trial]]]) -> None:
    for state, wanted in WANTED_S.items():
        if state in trials:
            mine = trials[state][OURS]
            arrived = median(CAP_S if t.arrived_s is None else t.arrived_s for t in mine)
            report.targets.append(Target(f"{state}: second channel has it", arrived, wanted, False, "s"))
            report.targets.append(Target(f"{state}: messages out", max(t.messages for t in mine), 1, False))
    healthy = _median(trials["healthy"][OURS])
    for state in ("refused", "blackholed", "silent", "name server silent"):
        if state in trials:
            more_ms = (_median(trials[state][KNOWN]) - healthy) * 1000
            report.targets.append(
                Target(f"{state}, outage known: added to healthy", more_ms, 50, False, "ms")
            )
    report.lines += _table(trials)


def _median(trials: Sequence[Trial]) -> float:
    return median(CAP_S if t.arrived_s is None else t.arrived_s for t in trials)


def _table(trials: dict[str, dict[str, list[Trial]]]) -> list[str]:
    names = list(dict.fromkeys(name for found in trials.values() for name in found))
    rows = ["| first channel | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for state, found in trials.items():
        cells = [_cell(found[name]) if name in found else "–" for name in names]
        rows.append(f"| {state} | " + " | ".join(cells) + " |")
    rows.append("")
    rows.append(
        f"Seconds from asking to arrival, then to the end of the process; nobody is waited for over {CAP_S:g} s."
    )
    return [*rows, ""]


def _cell(trials: Sequence[Trial]) -> str:
    left = [t.left_s for t in trials if t.left_s is not None]
    twice = " (2 messages)" if max(t.messages for t in trials) > 1 else ""
    gone = f"{median(left):.2f}" if len(left) == len(trials) else f"over {CAP_S:g}"
    arrived = [t.arrived_s for t in trials if t.arrived_s is not None]
    came = (
        f"{median(arrived):.2f}" if len(arrived) == len(trials) else "never" if not arrived else "not always"
    )
    return f"{came} / {gone}{twice}"


def _seconds(value: float | None) -> str:
    return "not there" if value is None else f"{value:.3f} s"
