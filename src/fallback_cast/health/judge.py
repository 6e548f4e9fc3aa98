"""From stored evidence to a verdict about one provider: the one place where outages are judged.

Pure: the same evidence, moment and rules give the same judgement, whoever asks and in whatever order
equal moments were stored. Low volume is the normal case, so it counts failures in a row, not shares.
It closes in steps: a good word makes it *recovering*, one accepted message (or a second good probe)
makes it *up*, unless it comes and goes. What a machine saw while it was offline itself does not count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from fallback_cast.health.judgement import Judgement
from fallback_cast.health.line import REFERENCE, Line
from fallback_cast.health.rules import RULES, Rules
from fallback_cast.health.tally import Tally
from fallback_cast.model.health import Evidence, Signal


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The evidence about one provider, with what its witnesses knew of their own lines."""

    channel: str
    provider: str
    rows: Sequence[Evidence]  # about it, the references, and good words of any channel, in any order
    since: datetime  # when it came under watch
    configured_at: datetime | None = None  # evidence before its settings changed is about something else
    local: frozenset[str] = frozenset()  # channels that need no internet line


def judge(history: History, now: datetime, rules: Rules = RULES) -> Judgement:
    """What is held of this provider now."""
    tally = Tally(history.since, rules)
    lines: dict[str, Line] = {}
    for seen in in_order(history.rows):
        if seen.at > now:
            break
        line = lines.setdefault(seen.machine, Line())
        if _concerns(history, seen):
            tally.take(seen, blamed=history.channel in history.local or line.blames(seen))
        line.take(seen, history.local)
    return tally.judgement(now)


def _concerns(history: History, seen: Evidence) -> bool:
    about_it = seen.about == (history.channel, history.provider) and seen.source != REFERENCE
    return about_it and (history.configured_at is None or seen.at >= history.configured_at)


# At one moment: first what is known of our own lines, then failures, then good words.
_RANK = {Signal.HINT: 1, Signal.LIMITED: 2, Signal.DENIED: 3, Signal.GOOD: 5}


def in_order(rows: Sequence[Evidence]) -> list[Evidence]:
    """By time; equal moments in an order that does not depend on how they were stored."""
    return sorted(rows, key=_order)


def _order(seen: Evidence) -> tuple[object, ...]:
    if seen.source == REFERENCE:
        rank = 0
        signal = "" if seen.signal is Signal.GOOD else seen.signal.value  # whoever answered comes first
    else:
        rank, signal = _RANK.get(seen.signal, 4), seen.signal.value
    return (
        seen.at,
        rank,
        signal,
        seen.machine,
        seen.channel,
        seen.provider,
        seen.source,
        seen.layer or "",
        seen.detail,
    )
