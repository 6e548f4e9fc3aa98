"""The first message after the first channel died: one command each, in turns, seen from the servers."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from benchmarks.failover.names import Resolvers
from benchmarks.failover.senders import OURS, Sender
from benchmarks.failover.states import HEALTHY, KNOWN, State, receiver
from benchmarks.rounds import ROOT, surroundings

LONG_S = 8.0  # whoever waits so long waits for a time-out, not for the machine: two runs tell all


@dataclass(frozen=True)
class Timing:
    """Seconds from the start of the command. None: it did not happen until `cap_s`, or the end."""

    arrival_s: float | None
    exit_s: float | None
    at_first: int
    at_second: int


@dataclass
class Cell:
    """What one sender did in one state."""

    sender: Sender
    state: State
    cap_s: float
    runs: list[Timing] = field(default_factory=list)

    @property
    def arrival_s(self) -> float | None:
        """The median; None if the message did not come in most runs."""
        came = [t.arrival_s if t.arrival_s is not None else float("inf") for t in self.runs]
        middle = median(came) if came else float("inf")
        return None if middle == float("inf") else middle

    @property
    def exit_s(self) -> float | None:
        ended = [t.exit_s if t.exit_s is not None else float("inf") for t in self.runs]
        middle = median(ended) if ended else float("inf")
        return None if middle == float("inf") else middle

    @property
    def most(self) -> tuple[int, int]:
        """Arrivals at the first and at the second, in the run with most of them."""
        worst = max(self.runs, key=lambda t: t.at_first + t.at_second)
        return worst.at_first, worst.at_second

    def long(self) -> bool:
        return any((t.exit_s or self.cap_s) > LONG_S for t in self.runs)


def once(sender: Sender, state: State, resolvers: Resolvers, cap_s: float) -> Timing:
    """One command from its start to its exit."""
    with (
        tempfile.TemporaryDirectory(prefix="benchmark-") as name,
        receiver() as second,
        state.opened() as first,
    ):
        command = sender.prepare(Path(name), first.url, second.url, state.known)
        wrapper = resolvers.silent if state.asks_names else resolvers.usual
        began = time.monotonic()
        exit_s = _run([*wrapper, *command], Path(name), began, cap_s)
        awaited = first.arrivals if state.takes else second.arrivals
        arrival_s = awaited[0] - began if awaited else None
        return Timing(arrival_s, exit_s, len(first.arrivals), len(second.arrivals))


def _run(command: Sequence[object], folder: Path, began: float, cap_s: float) -> float | None:
    """Seconds until the command has left; None if it had to be ended at the cap."""
    process = subprocess.Popen(
        [str(word) for word in command],
        cwd=folder,
        env=surroundings(PYTHONPATH=os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        process.wait(cap_s)
        return time.monotonic() - began
    except subprocess.TimeoutExpired:
        return None
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def first_message(
    senders: Sequence[Sender],
    states: Sequence[State],
    resolvers: Resolvers,
    rounds: int,
    cap_s: float,
    say: Callable[[str], None],
) -> dict[tuple[str, str], Cell]:
    """Every sender in every state once a round, in another order each time.

    The two whose difference is smallest, our healthy and our known outage, have three runs a round.
    """
    cells = {
        (sender.name, state.name): Cell(sender, state, cap_s)
        for sender in senders
        for state in states
        if not sender.missing
        and (sender.remembers or not state.known)
        and not (state.asks_names and resolvers.missing)
    }
    for sender in senders:  # once uncounted: modules are compiled, files are in the cache
        if not sender.missing:
            once(sender, HEALTHY, resolvers, cap_s)
    for number in range(1, rounds + 1):
        turns = [cell for cell in cells.values() for _ in range(_turns(cell))]
        for cell in random.sample(turns, len(turns)):
            if cell.long() and len(cell.runs) >= 2:
                continue
            timing = once(cell.sender, cell.state, resolvers, cap_s)
            cell.runs.append(timing)
            say(f"  round {number}/{rounds}  {cell.sender.name}, {cell.state.name}: {_shown(timing)}")
    return cells


def _turns(cell: Cell) -> int:
    return 3 if cell.sender is OURS and cell.state in (HEALTHY, KNOWN) else 1


def _shown(timing: Timing) -> str:
    arrival = "not arrived" if timing.arrival_s is None else f"{timing.arrival_s:.2f} s"
    left = "ended at the cap" if timing.exit_s is None else f"left after {timing.exit_s:.2f} s"
    return f"{arrival}, {left}, {timing.at_first} + {timing.at_second} arrivals"
