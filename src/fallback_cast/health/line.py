"""Our own line as one machine's evidence shows it: does it work, or are we *offline*? Pure.

References are addresses in other networks. One answer says that the line works; none at all says that
it does not, unless a channel worked within the last minute. With one answer of three or more nothing is
decided. A channel that works after a look at silent references shows that it is they who are cut off.
Without references nothing is known, and *offline* is never declared (P6).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from fallback_cast.health import signals
from fallback_cast.health.judgement import Judgement
from fallback_cast.model.errors import Layer
from fallback_cast.model.health import Check, Evidence, Signal, Verdict

REFERENCE = "reference"
LOOK_HOLDS = timedelta(seconds=60)  # how long a look at the references says something
WORKED_LATELY = timedelta(seconds=60)  # a channel worked: the line was not down then
ON_ITS_WAY = timedelta(seconds=2)  # an answer may have come in before the line broke
_STRANGER = re.compile(r"a wrong (page|certificate) answers \((\w+)\)")


class LineState(StrEnum):
    UNKNOWN = "unknown"  # no references, or nobody looked lately
    WORKS = "works"
    UNDECIDED = "undecided"  # no state of any platform changes
    OFFLINE = "offline"

    @property
    def trusted(self) -> bool:
        """Whether failures are the platforms' as far as our line is concerned."""
        return self in (LineState.UNKNOWN, LineState.WORKS)


class Line:
    """The looks of one machine at the references, and the last time that one of its channels worked."""

    __slots__ = ("_belied_at", "_dark_since", "_looked_at", "_round", "_worked_at", "heard_at")

    def __init__(self) -> None:
        self._round: dict[str, Evidence] = {}
        self._looked_at: datetime | None = None
        self._worked_at: datetime | None = None
        self._dark_since: datetime | None = None
        self.heard_at: datetime | None = None  # the last sign that the line works
        self._belied_at: datetime | None = None  # a channel worked although too few references answered

    def take(self, seen: Evidence, local: Collection[str]) -> None:
        """Evidence in the order of time; only references and good words of channels tell anything."""
        if seen.source == REFERENCE:
            if seen.provider in self._round:  # each is looked at once: a new look at all of them begins
                self._round = {}
            self._round[seen.provider] = seen
            self._looked_at = seen.at
            if seen.signal is Signal.GOOD:
                self.heard_at = seen.at
                self._dark_since = self._belied_at = None
            elif self._dark_since is None and not self._answering():
                self._dark_since = seen.at
        elif seen.signal is Signal.GOOD and seen.channel not in local:
            self._worked_at, self._dark_since = seen.at, None
            self.heard_at = seen.at
            if self._looked_at is not None and seen.at - self._looked_at >= ON_ITS_WAY and not self._enough():
                self._belied_at = seen.at

    def _enough(self) -> bool:
        """Whether the last look says by itself that the line works."""
        answering = self._answering()
        return answering > 1 or (answering == 1 and len(self._round) < 3)

    def _answering(self) -> int:
        return sum(seen.signal is Signal.GOOD for seen in self._round.values())

    def state(self, now: datetime) -> LineState:
        if self._looked_at is None or now - self._looked_at > LOOK_HOLDS:
            return LineState.UNKNOWN
        if self._enough():
            return LineState.WORKS
        if self.belied(now):
            return LineState.WORKS  # what carries a message is no dead line, whoever is silent
        lately = self._worked_at is not None and now - self._worked_at <= WORKED_LATELY
        return LineState.UNDECIDED if self._answering() or lately else LineState.OFFLINE

    def silent(self, now: datetime) -> bool:
        """No reference answers and nobody has shown since that the line works: we are offline, or it is too
        early to say so. Nothing is sent then, but no verdict follows from it.
        """
        state = self.state(now)
        return state is LineState.OFFLINE or (state is LineState.UNDECIDED and not self._answering())

    def belied(self, now: datetime) -> bool:
        """A channel has worked after a look at silent references, lately."""
        return self._belied_at is not None and now - self._belied_at <= LOOK_HOLDS

    def blames(self, seen: Evidence) -> bool:
        """Whether a failure is the platform's: not if we are offline, or find no names ourselves."""
        if not self.state(seen.at).trusted:
            return False
        return seen.layer is not Layer.NAME or not self.nameless(seen.at)

    def nameless(self, now: datetime) -> bool:
        """A reference was not found by its name, though the line works: our own resolver is at fault."""
        lost = any(row.layer is Layer.NAME for row in self._round.values() if row.signal is not Signal.GOOD)
        return lost and self.state(now) is LineState.WORKS

    def looked_before(self, moment: datetime) -> bool:
        return self._looked_at is None or self._looked_at <= moment

    def judgement(self, now: datetime) -> Judgement:
        """UP, OFFLINE, or UNKNOWN (undecided, or nobody looked)."""
        state = self.state(now)
        verdict = {LineState.WORKS: Verdict.UP, LineState.OFFLINE: Verdict.OFFLINE}.get(
            state, Verdict.UNKNOWN
        )
        rows = tuple(self._round[name] for name in sorted(self._round))
        since = self._dark_since or self._looked_at or now
        return Judgement(
            verdict=verdict,
            since=since,
            began_at=since if verdict is Verdict.OFFLINE else None,
            evidence=rows,
            layer=rows[-1].layer if rows and verdict is Verdict.OFFLINE else None,
            captive=verdict is Verdict.OFFLINE and same_stranger(row.detail for row in rows),
            seen_at=self._looked_at,
        )


def offline_by(looks: Iterable[tuple[str, Check]], now: datetime) -> Judgement | None:
    """One look at each reference, by its name: the judgement if they say that we are offline, else None."""
    line = Line()
    for name, check in looks:
        found = signals.of_reference(check)
        line.take(Evidence("", name, now, found.signal, REFERENCE, found.layer, found.detail), frozenset())
    judged = line.judgement(now)
    return judged if judged.verdict is Verdict.OFFLINE else None


def same_stranger(details: Iterable[str]) -> bool:
    """Whoever answered in place of the references showed one and the same page, or certificate."""
    marks: dict[str, set[str]] = {}
    for found in filter(None, map(_STRANGER.fullmatch, details)):
        marks.setdefault(found[1], set()).add(found[2])
    return bool(marks) and all(len(seen) == 1 for seen in marks.values())
