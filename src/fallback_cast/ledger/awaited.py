"""Attempts of which a provider may know more by now than that it took them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from fallback_cast.ledger import schema
from fallback_cast.ledger.open import Ledger
from fallback_cast.model.delivery import Outcome

AWAITED_FOR = timedelta(days=1)  # operators give up by then, and so do we
AT_MOST = 200  # asked about in one pass; the oldest first


@dataclass(frozen=True, slots=True)
class Awaited:
    """An attempt that was accepted, and no more is known."""

    channel: str
    provider: str
    key: str
    reference: str | None


def awaited(ledger: Ledger, channels: Collection[str], now: datetime) -> list[Awaited]:
    """Accepted attempts on these channels of announcements that are of use still."""
    a, announcement = schema.attempt, schema.announcement
    query = (
        select(a.c.channel, a.c.provider, a.c.key, a.c.reference)
        .join(announcement, announcement.c.id == a.c.announcement_id)
        .where(announcement.c.expires_at > now, announcement.c.created_at > now - 2 * AWAITED_FOR)
        .where(a.c.channel.in_(channels), a.c.outcome == Outcome.ACCEPTED.value)
        .where(a.c.begun_at > now - AWAITED_FOR)
        .order_by(a.c.begun_at)
        .limit(AT_MOST)
    )
    with ledger.reading() as connection:
        return [Awaited(*row) for row in connection.execute(query)]
