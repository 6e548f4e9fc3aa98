"""An attempt on the wire, and how it is written down when it has ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from fallback_cast.ledger.claim import Active, Claim
from fallback_cast.model.delivery import Attempt, Outcome
from fallback_cast.model.errors import OutcomeUnknown, SendError, Throttled, Unavailable
from fallback_cast.model.message import Accepted
from fallback_cast.routing.decide import Send


@dataclass(slots=True, eq=False)
class Flight:
    """An attempt that is begun: on the wire, or about to be."""

    held: Claim
    announcement: Active
    send: Send
    attempt: Attempt
    patience_s: float
    version: int  # of everybody's standing, when this was decided
    begun_s: float = 0.0  # when it touched the wire, by the event loop's clock
    trial: bool = False  # the one real message to a provider that is recovering
    edits: str | None = None  # the reference of what stands there: it is changed in place
    detached: bool = False  # patience has ended: the delivery goes on without it


def accepted_attempt(flight: Flight, accepted: Accepted, now: datetime) -> Attempt:
    begun = flight.attempt
    return Attempt(  # spelled out: `replace` costs three times as much, and this is the usual end
        key=begun.key,
        number=begun.number,
        channel=begun.channel,
        provider=begun.provider,
        address=begun.address,
        outcome=Outcome.DELIVERED if accepted.delivered else Outcome.ACCEPTED,
        begun_at=begun.begun_at,
        ended_at=now,
        reference=accepted.reference,
        note=accepted.note,
        possible_duplicate=_may_repeat(flight.held.attempts),
    )


def failed_attempt(begun: Attempt, error: SendError, now: datetime, *, cut_off: bool = False) -> Attempt:
    """`cut_off`: our own line carried nothing then. What surely was not sent is no fault of its route."""
    wait = error.retry_after if isinstance(error, Throttled) else None
    return replace(
        begun,
        outcome=Outcome.UNKNOWN if isinstance(error, OutcomeUnknown) else Outcome.FAILED,
        ended_at=now,
        error=error.word,
        reason=error.reason,
        layer=error.layer,
        place_only=error.scope == "place",
        offline=cut_off and isinstance(error, Unavailable),
        not_before=None if wait is None else now + timedelta(seconds=wait),
    )


def _may_repeat(attempts: Sequence[Attempt]) -> bool:
    """Accepted now, after one that may have gone out: perhaps somebody was told twice."""
    return any(a.outcome in (Outcome.UNKNOWN, Outcome.BEGUN) for a in attempts)
