"""Writing down what becomes of a delivery that is not sent here now."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from fallback_cast.ledger.claim import Claim
from fallback_cast.ledger.record import Closed, Moved
from fallback_cast.model.delivery import Attempt, Outcome, RecipientKind, State, Why
from fallback_cast.routing.decide import Action, Close, Send, Wait

if TYPE_CHECKING:
    from fallback_cast.dispatch.dispatcher import Dispatcher

LOOK_AGAIN = timedelta(seconds=1)


def let_go(hall: Dispatcher, channel: str, held: Claim, action: Action, now: datetime | None = None) -> None:
    """As decided: on to another lane, later again, or closed. `channel` is the lane that held it."""
    now, delivery = now or hall.clock.now(), held.delivery
    match action:
        case Send():
            if action.route.channel != channel:
                hall.tell_moved_on(channel, held, action.route.channel)
            hall.journal.move(Moved(delivery.id, action.route.channel, Why.QUEUED, now))
        case Wait():
            flying = next(
                (a.key for a in (*held.attempts, *held.earlier) if a.outcome is Outcome.BEGUN), None
            )
            until = action.until
            if flying is not None and not hall.await_key(flying):
                until = min(until, now + LOOK_AGAIN)  # it has ended since: read it again
            hall.tell_waiting(held, action)
            hall.journal.move(Moved(delivery.id, action.lane, action.why, until, flying))
        case Close():
            _close(hall, held, action, now)


def _close(hall: Dispatcher, held: Claim, action: Close, now: datetime) -> None:
    delivery, tried = held.delivery, {a.channel for a in held.attempts}
    ranks = [route.channel for route in delivery.routes]
    better = ranks[: ranks.index(action.via)] if action.via in ranks else ranks
    fell_back = action.state is State.REACHED and bool(better) and delivery.kind is not RecipientKind.PLACE
    skipped = tuple(dict.fromkeys(name for name in better if name not in tried))
    hall.journal.close_delivery(
        Closed(
            delivery.id, action.state, now, action.via, action.reasons, fell_back, skipped, delivery.amends
        )
    )
    if action.state is not State.EXCLUDED:  # who never had the old text need not hear of it
        hall.tell_closed(held, action)


def patience_left_s(held: Claim, attempt: Attempt, patience: timedelta) -> float:
    """Seconds that an attempt which begins now has, of the patience with its route."""
    if not held.attempts:
        return patience.total_seconds()
    earlier = [
        a.begun_at
        for a in held.attempts
        if a.channel == attempt.channel
        and a.address == attempt.address
        and a.begun_at >= held.delivery.opened_at
        and not a.offline
    ]
    began = min(earlier, default=attempt.begun_at)
    return max((began + patience - attempt.begun_at).total_seconds(), 0.5)
