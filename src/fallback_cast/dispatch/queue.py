"""What a lane has decided to send and has no worker for yet: the most important first."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from fallback_cast.ledger.claim import Active, Claim
from fallback_cast.routing.decide import Send

RANKS = {"urgent": 0, "normal": 1, "info": 2}


def rank_of(announcement: Active) -> int:
    """0 goes first."""
    return RANKS[announcement.importance]


@dataclass(frozen=True, slots=True)
class Job:
    """One delivery of ours and what was decided about it."""

    announcement: Active
    held: Claim
    send: Send


class Queue:
    """First come, first served within one importance."""

    def __init__(self) -> None:
        self._lines: tuple[deque[Job], ...] = tuple(deque() for _ in RANKS)

    def push(self, job: Job) -> None:
        self._lines[rank_of(job.announcement)].append(job)

    def pop(self) -> Job:
        """The most important one. Raises IndexError if there is none."""
        for line in self._lines:
            if line:
                return line.popleft()
        raise IndexError("nothing is queued")

    def ahead(self, rank: int) -> int:
        """How many are at least as important as this."""
        return sum(len(line) for line in self._lines[: rank + 1])

    def take_all(self) -> list[Job]:
        """Empty the queue."""
        jobs = list(self)
        for line in self._lines:
            line.clear()
        return jobs

    def __iter__(self) -> Iterator[Job]:
        return (job for line in self._lines for job in line)

    def __len__(self) -> int:
        return sum(map(len, self._lines))
