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
    """One delivery of ours and what was decided about it, at which state of the world."""

    announcement: Active
    held: Claim
    send: Send
    key: str  # of the attempt
    version: int


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

    def head(self) -> Job:
        """The one that `pop` would give. Raises IndexError if there is none."""
        return next(line[0] for line in self._lines if line)

    def ahead(self, rank: int) -> int:
        """How many are at least as important as this."""
        return sum(len(line) for line in self._lines[: rank + 1])

    def take(self, delivery_id: int) -> list[Job]:
        """Take this delivery out, if it is here."""
        found = [job for job in self if job.held.delivery.id == delivery_id]
        for job in found:
            self._lines[rank_of(job.announcement)].remove(job)
        return found

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


class Rate:
    """Messages a second that were lately brought to an end."""

    _WINDOW_S = 0.05

    def __init__(self) -> None:
        self.per_s = 0.0
        self._since_s = 0.0
        self._count = 0

    def count(self, now_s: float) -> None:
        """One more, at this moment of a monotonic clock."""
        self._count += 1
        elapsed_s = now_s - self._since_s
        if elapsed_s >= self._WINDOW_S:
            self.per_s, self._since_s, self._count = self._count / elapsed_s, now_s, 0
