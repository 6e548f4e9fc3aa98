"""Timing of one load from inside its own process: wall and CPU seconds, as one JSON line."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field


@dataclass
class Reading:
    """What a load says of itself. `cpu_s` holds user and system time of the process, threads included."""

    messages: int
    seconds: float = 0.0
    cpu_s: float = 0.0
    extra: dict[str, float | int | str] = field(default_factory=dict)

    def print(self) -> None:
        print(json.dumps(asdict(self)), flush=True)


def _cpu_s() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


@contextmanager
def measured(messages: int) -> Iterator[Reading]:
    """Time the block; imports and preparation belong before it."""
    reading = Reading(messages)
    cpu, started = _cpu_s(), time.perf_counter()
    yield reading
    reading.seconds, reading.cpu_s = time.perf_counter() - started, _cpu_s() - cpu


def began() -> None:
    """Say that the sending begins now, on the clock that all processes of this machine share."""
    print(json.dumps({"began": time.monotonic()}), flush=True)
