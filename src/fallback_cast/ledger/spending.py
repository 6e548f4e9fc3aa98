"""What attempts on paid channels have cost."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import func, or_, select

from fallback_cast.ledger import schema
from fallback_cast.ledger.open import Ledger
from fallback_cast.model.delivery import Outcome

_CENTS = Decimal("0.000001")  # what a float of the ledger is rounded to


@dataclass(frozen=True, slots=True)
class Spent:
    messages: int = 0
    cost: Decimal = Decimal(0)  # in the club's money


def spent_since(ledger: Ledger, channels: Collection[str], since: datetime) -> dict[str, Spent]:
    """Attempts begun since then, without those that surely were not sent."""
    attempt, announcement = schema.attempt, schema.announcement
    statement = (
        select(attempt.c.channel, func.count(), func.sum(attempt.c.cost))
        .join(announcement, announcement.c.id == attempt.c.announcement_id)
        # What was settled before has no later attempts: the index finds those of the others.
        .where(or_(announcement.c.settled_at.is_(None), announcement.c.settled_at >= since))
        .where(attempt.c.channel.in_(channels), attempt.c.begun_at >= since)
        .where(attempt.c.outcome != Outcome.FAILED.value)
        .group_by(attempt.c.channel)
    )
    with ledger.reading() as connection:
        rows = connection.execute(statement).all()
    return {name: Spent(count, Decimal(cost or 0).quantize(_CENTS)) for name, count, cost in rows}
