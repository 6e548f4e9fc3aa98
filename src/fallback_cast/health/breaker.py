"""From one more observation to a verdict about a provider. Pure: the moment comes in as an argument.

Low volume is the normal case: three failures in a row open, whatever else happened that day. It
closes in steps: a good probe makes it *recovering*, one accepted message (or a second good probe)
makes it *up*. This is a first judgement; it looks at consecutive signals only.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from fallback_cast.ledger.memory import Breaker
from fallback_cast.model.health import Evidence, Signal, Verdict

OPEN_AFTER = 3.0  # failures in a row; an unknown outcome counts half (design §5)
OPEN_FOR = timedelta(seconds=30)  # times the number of openings …
OPEN_AT_MOST = timedelta(seconds=300)  # … up to this


def judge(breaker: Breaker, seen: Evidence, now: datetime) -> Breaker:
    """The breaker after this observation."""
    match seen.signal:
        case Signal.GOOD:
            return _good(breaker, seen, now)
        case Signal.LIMITED:
            return replace(breaker, seen_at=now)
        case Signal.HINT:
            return breaker
        case Signal.DENIED:
            return _open(replace(breaker, failures=OPEN_AFTER, configuration=True), seen, now)
        case Signal.BAD | Signal.HALF:
            weight = 1.0 if seen.signal is Signal.BAD else 0.5
            failing = replace(breaker, failures=breaker.failures + weight, seen_at=now, configuration=False)
            if failing.failures >= OPEN_AFTER or breaker.verdict in (Verdict.DOWN, Verdict.RECOVERING):
                return _open(failing, seen, now)
            return _verdict(failing, Verdict.SUSPECT, seen, now)


def _good(breaker: Breaker, seen: Evidence, now: datetime) -> Breaker:
    calm = replace(breaker, failures=0.0, seen_at=now, configuration=False)
    stepping = breaker.verdict is Verdict.DOWN and seen.source == "probe"
    if stepping:  # one probe, then one real message, then all
        return replace(_verdict(calm, Verdict.RECOVERING, seen, now), retry_at=None)
    openings = 0 if breaker.verdict is Verdict.UP else breaker.openings
    return replace(
        _verdict(calm, Verdict.UP, seen, now), retry_at=None, layer=None, reason="", openings=openings
    )


def _open(breaker: Breaker, seen: Evidence, now: datetime) -> Breaker:
    openings = breaker.openings + 1
    rest = min(OPEN_FOR * openings, OPEN_AT_MOST)
    opened = _verdict(breaker, Verdict.DOWN, seen, now)
    return replace(opened, openings=openings, retry_at=now + rest, seen_at=now)


def _verdict(breaker: Breaker, verdict: Verdict, seen: Evidence, now: datetime) -> Breaker:
    since = breaker.since if breaker.verdict is verdict else now
    return replace(breaker, verdict=verdict, since=since, layer=seen.layer, reason=seen.detail)
