"""Whether a correction is due at all to who was, perhaps, told an earlier text. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from fallback_cast.model.delivery import Attempt, Delivery, Outcome, State, Why
from fallback_cast.model.revision import may_have_told
from fallback_cast.routing.decide import Close, Wait

LOOK_AGAIN = timedelta(seconds=10)  # its end wakes us sooner
NEVER_TOLD = "the earlier text did not go out there"


def not_due(delivery: Delivery, earlier: Sequence[Attempt], now: datetime) -> Wait | Close | None:
    """None: the correction is due. Else what is on its way with the old text is waited for, or nobody
    was told by this route after all."""
    if delivery.amends is None:
        return None
    first = delivery.routes[0]
    there = [a for a in earlier if (a.channel, a.address) == (first.channel, first.address)]
    if any(a.outcome is Outcome.BEGUN for a in there):
        return Wait(now + LOOK_AGAIN, Why.SENDING, first.channel)
    if not any(may_have_told(a) for a in there):
        return Close(State.EXCLUDED, None, (NEVER_TOLD,))
    return None
