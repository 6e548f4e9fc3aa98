"""The rules that others judge by, with their defaults, written down from their documentation.

Each hears of every probe and every send as one call, also where it would not probe by itself, and a
call that it rejects is not made. Sources: `docs/outages.md`.
"""

from __future__ import annotations

from collections import defaultdict, deque
from datetime import datetime, timedelta
from itertools import chain
from typing import Protocol

from fallback_cast.health.judge import History, judge
from fallback_cast.health.judgement import Judgement
from fallback_cast.ledger.memory import KEPT_IN_MIND
from fallback_cast.model.health import Evidence, Verdict
from tests.health.traces.day import PLATFORM, Row
from tests.virtual_time import BEGIN


class Detector(Protocol):
    name: str

    def hear(self, row: Row) -> None: ...

    def is_down(self, now: datetime) -> bool: ...


class Ours:
    """`judge`, asked anew at every row, with as many rows as a run begins with. While it is down nothing is
    sent, and nobody probes before the rest is over.
    """

    name = "fallback-cast"

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], deque[Evidence]] = defaultdict(lambda: deque(maxlen=KEPT_IN_MIND))
        self._judged: Judgement | None = None

    def hear(self, row: Row) -> None:
        judged = self._judged
        resting = (
            judged is not None and judged.verdict is Verdict.DOWN and row.at < (judged.retry_at or row.at)
        )
        down = judged is not None and judged.verdict is Verdict.DOWN
        if row.evidence is None or (row.source == "send" and down) or (row.source == "probe" and resting):
            return
        self._rows[row.evidence.about].append(row.evidence)
        channel, provider = PLATFORM
        rows = list(chain.from_iterable(self._rows.values()))
        history = History(channel=channel, provider=provider, rows=rows, since=BEGIN)
        self._judged = judge(history, row.at)

    def is_down(self, now: datetime) -> bool:
        return self._judged is not None and self._judged.verdict is Verdict.DOWN


class Envoy:
    """Outlier detection: five 5xx or failed connections in a row eject for 30 s times the number of
    ejections, at most 300 s; a good active check takes it back at once.
    """

    name = "Envoy outlier detection"

    def __init__(self) -> None:
        self._failures = self._ejections = 0
        self._until: datetime | None = None
        self._swept = BEGIN

    def hear(self, row: Row) -> None:
        if not row.is_call:
            return
        if self.is_down(row.at):
            if row.source == "probe" and not row.is_5xx:
                self._until, self._failures = None, 0
            return
        while row.at - self._swept >= timedelta(seconds=10):  # each calm sweep forgets one ejection
            self._swept += timedelta(seconds=10)
            self._ejections = max(0, self._ejections - 1)
        self._failures = self._failures + 1 if row.is_5xx else 0
        if self._failures >= 5:
            self._ejections, self._failures = self._ejections + 1, 0
            self._until = row.at + min(timedelta(seconds=30) * self._ejections, timedelta(seconds=300))
            self._swept = self._until

    def is_down(self, now: datetime) -> bool:
        return self._until is not None and now < self._until


class Resilience4j:
    """Half of the last 100 calls failed, 100 calls at least; open for 60 s, then ten calls decide."""

    name = "resilience4j"

    def __init__(self) -> None:
        self._window: deque[bool] = deque(maxlen=100)
        self._opened_at: datetime | None = None
        self._trials: list[bool] | None = None

    def hear(self, row: Row) -> None:
        if not row.is_call or self.is_down(row.at):
            return
        if self._opened_at is not None:
            self._trials, self._opened_at = [], None
        if self._trials is not None:
            self._trials.append(row.call_fails)
            if len(self._trials) == 10:
                failed, self._trials = sum(self._trials) >= 5, None
                self._window.clear()
                self._opened_at = row.at if failed else None
            return
        self._window.append(row.call_fails)
        if len(self._window) == 100 and sum(self._window) >= 50:
            self._opened_at = row.at

    def is_down(self, now: datetime) -> bool:
        return self._opened_at is not None and now - self._opened_at < timedelta(seconds=60)


class PyBreaker:
    """Five failures in a row open for 60 s; then one call decides."""

    name = "pybreaker"

    def __init__(self) -> None:
        self._failures = 0
        self._opened_at: datetime | None = None

    def hear(self, row: Row) -> None:
        if not row.is_call or self.is_down(row.at):
            return
        if not row.call_fails:
            self._failures, self._opened_at = 0, None
            return
        self._failures += 1
        if self._failures >= 5 or self._opened_at is not None:
            self._opened_at = row.at

    def is_down(self, now: datetime) -> bool:
        return self._opened_at is not None and now - self._opened_at < timedelta(seconds=60)


class GovUkNotify:
    """Each failure takes ten points of a provider's share of 50, once a minute at most; an hour without a
    change gives ten back. *Down* is here: no share left. Slow deliveries, which it counts too, need
    receipts that these traces do not have.
    """

    name = "GOV.UK Notify"

    def __init__(self) -> None:
        self._share = 50
        self._changed_at = BEGIN - timedelta(days=1)

    def hear(self, row: Row) -> None:
        self._tend(row.at)
        if row.is_call and row.call_fails and row.at - self._changed_at >= timedelta(minutes=1):
            self._share, self._changed_at = max(0, self._share - 10), row.at

    def _tend(self, now: datetime) -> None:
        while self._share < 50 and now - self._changed_at >= timedelta(hours=1):
            self._share, self._changed_at = self._share + 10, self._changed_at + timedelta(hours=1)

    def is_down(self, now: datetime) -> bool:
        self._tend(now)
        return self._share == 0


DETECTORS = (Ours, Envoy, Resilience4j, PyBreaker, GovUkNotify)
