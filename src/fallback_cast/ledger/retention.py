"""What is kept for how long: what has served its time is thinned, the figures stay (P9).

Only announcements that have ended are thinned. `status` counts deliveries, so their rows stay, without
names, addresses and ties to members; the announcement with all of them goes at the very end.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Text, and_, cast, delete, literal, select, update

from fallback_cast.ledger import schema
from fallback_cast.ledger.open import Ledger

PAGE = 20  # announcements thinned in one commit: nobody waits long for the file
FORGOTTEN = "forgotten"  # in the place of a name


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """How long each kind of thing is kept."""

    replies: timedelta = timedelta(days=30)  # what providers said, after the attempt
    evidence: timedelta = timedelta(days=90)  # probes and outcomes, after they were seen
    recipients: timedelta = timedelta(days=180)  # who was told and how, after the announcement ended
    announcements: timedelta = timedelta(days=365)  # after they expired


def thin(ledger: Ledger, keep: Keep, now: datetime) -> int:
    """Thin what has served its time; returns how many rows changed. Raises LedgerError."""
    changed = _evidence(ledger, now - keep.evidence) + _replies(ledger, now - keep.replies)
    announcement = schema.announcement
    old = and_(_ended(now - keep.recipients), ~_forgotten())
    changed += _in_pages(ledger, select(announcement.c.id).where(old), _forget_recipients)
    gone = and_(_ended(now - keep.announcements), announcement.c.expires_at <= now - keep.announcements)
    return changed + _in_pages(ledger, select(announcement.c.id).where(gone), _remove)


def _ended(before: datetime) -> ColumnElement[bool]:
    table = schema.announcement
    return and_(table.c.state.in_(("settled", "cancelled")), table.c.settled_at <= before)


def _forgotten() -> ColumnElement[bool]:
    """None of its deliveries names anybody any more."""
    delivery = schema.delivery
    named = select(delivery.c.id).where(
        delivery.c.announcement_id == schema.announcement.c.id, delivery.c.recipient != FORGOTTEN
    )
    return ~named.exists()


def _evidence(ledger: Ledger, before: datetime) -> int:
    with ledger.writing() as connection:
        return connection.execute(delete(schema.evidence).where(schema.evidence.c.at <= before)).rowcount


def _replies(ledger: Ledger, before: datetime) -> int:
    """A refused attempt keeps the word of its error: why somebody was not reached stays known."""
    attempt, receipt = schema.attempt, schema.receipt
    ended = select(schema.announcement.c.id).where(_ended(before))
    wordy = and_(attempt.c.announcement_id.in_(ended), attempt.c.ended_at <= before)
    with ledger.writing() as connection:
        connection.execute(
            update(receipt).where(receipt.c.at <= before, receipt.c.detail != "").values(detail="")
        )
        return connection.execute(
            update(attempt)
            .where(wordy, (attempt.c.reason != "") | (attempt.c.note != ""))
            .values(reason="", note="")
        ).rowcount


def _in_pages(ledger: Ledger, query: Select[Any], thin_one: Callable[[Connection, str], int]) -> int:
    changed = 0
    while True:
        with ledger.writing() as connection:
            ids = connection.execute(query.limit(PAGE)).scalars().all()
            for id in ids:
                changed += thin_one(connection, id)
        if len(ids) < PAGE:
            return changed


def _forget_recipients(connection: Connection, id: str) -> int:
    attempt, delivery = schema.attempt, schema.delivery
    connection.execute(
        update(attempt)
        .where(attempt.c.announcement_id == id)
        .values(
            # The key too: who knows the announcement could try all telephone numbers against it.
            key=literal("forgotten-") + cast(attempt.c.id, Text),
            address="",
            reason="",
            note="",
            reference=None,
        )
    )
    return connection.execute(
        update(delivery)
        .where(delivery.c.announcement_id == id)
        .values(
            recipient=FORGOTTEN,
            routes="[]",
            member_id=None,
            timezone=None,
            reasons=json.dumps([FORGOTTEN]),
            waits_for=None,
        )
    ).rowcount


def _remove(connection: Connection, id: str) -> int:
    return connection.execute(delete(schema.announcement).where(schema.announcement.c.id == id)).rowcount
