"""Claiming due deliveries under a lease, and what a claim must know of their past."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, select, update

from fallback_cast.ledger import schema
from fallback_cast.ledger.bulk import in_one, one_of, values
from fallback_cast.ledger.open import Ledger
from fallback_cast.ledger.schema import from_micros
from fallback_cast.model.delivery import Attempt, Delivery, Outcome, RecipientKind, Route
from fallback_cast.model.errors import Layer
from fallback_cast.model.message import keys_until
from fallback_cast.model.revision import standing, still_telling


@dataclass(frozen=True, slots=True)
class Active:
    """An announcement that has open deliveries."""

    id: str
    importance: str
    created_at: datetime
    starts_at: datetime
    gate_until: datetime | None
    page_url: str | None
    revision: int
    expires_at: datetime
    cancelled: bool
    state: str = "dispatching"


@dataclass(frozen=True, slots=True)
class Claim:
    """One delivery that is ours until the lease ends, with all attempts on its addresses."""

    delivery: Delivery
    attempts: tuple[Attempt, ...]  # what `decide` is to see
    earlier: tuple[Attempt, ...] = ()  # all those with an earlier text

    @property
    def corrects(self) -> bool:
        """Whether its recipient has, or may have, an earlier text."""
        return any(a.outcome is not Outcome.FAILED for a in self.earlier)


def active_announcements(ledger: Ledger) -> list[Active]:
    """Those with anything left to do, urgent first, then oldest first."""
    table = schema.announcement
    with ledger.reading() as connection:
        rows = connection.execute(
            select(table).where(table.c.state.in_(("scheduled", "dispatching", "held")))
        ).all()
    found = [
        Active(
            row.id,
            row.importance,
            row.created_at,
            row.starts_at,
            row.gate_until,
            row.page_url,
            row.revision,
            row.expires_at,
            row.cancelled_at is not None,
            row.state,
        )
        for row in rows
    ]
    order = {"urgent": 0, "normal": 1, "info": 2}
    return sorted(found, key=lambda a: (order[a.importance], a.created_at))


def claim(
    ledger: Ledger,
    announcement: Active,
    lane: str,
    owner: str,
    now: datetime,
    lease_until: datetime,
    limit: int,
) -> list[Claim]:
    """Take up to `limit` due deliveries of one announcement on one lane, the longest due first."""
    table = schema.delivery
    due = (
        select(
            table.c.id,
            table.c.kind,
            table.c.recipient,
            table.c.routes,
            table.c.revision,
            table.c.opened_at,
            table.c.timezone,
            table.c.amends,
        )
        .where(
            table.c.announcement_id == announcement.id,
            table.c.lane == lane,
            table.c.state == "open",
            table.c.next_at <= now,
            table.c.revision == announcement.revision,  # corrected meanwhile: its text must be read first
        )
        .order_by(table.c.next_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    with ledger.writing() as connection:
        rows = json.loads(connection.execute(in_one(due.subquery(), "routes")).scalar_one())
        if not rows:
            return []
        take = update(table).where(one_of(table.c.id))
        take = take.values(owner=owner, next_at=lease_until, waits_for=None)
        connection.execute(take, values(row[0] for row in rows))
        return _with_past(connection, announcement, rows, now)


def _with_past(
    connection: Connection, announcement: Active, rows: Sequence[Sequence[Any]], now: datetime
) -> list[Claim]:
    found = [(row, tuple(Route(channel, address) for channel, address in row[3])) for row in rows]
    keys = {
        (row[0], route): keys_until(announcement.id, row[4], route.channel, route.address)
        for row, routes in found
        for route in routes
    }
    attempts = attempts_by_key(connection, chain.from_iterable(keys.values()))
    suppressed = _suppressed(connection, {route for _, routes in found for route in routes}, now)
    claims = []
    for row, routes in found:
        id, kind, recipient, _, revision, opened_at, timezone, amends = row
        tried = [(r, n, attempts.get(key, ())) for r in routes for n, key in enumerate(keys[id, r], 1)]
        now_tried = [a for _, n, found in tried if n == revision for a in found] if attempts else []
        earlier = tuple(a for _, n, found in tried if n < revision for a in found)
        delivery = Delivery(
            id=id,
            announcement_id=announcement.id,
            recipient=recipient,
            kind=RecipientKind(kind),
            routes=routes,
            revision=revision,
            opened_at=from_micros(opened_at),
            expires_at=announcement.expires_at,
            cancelled=announcement.cancelled and amends is None,
            suppressed=suppressed.intersection(routes) if suppressed else frozenset(),
            timezone=timezone,
            amends=amends,
            references=standing(earlier, now_tried) if earlier else {},
        )
        past = (*now_tried, *still_telling(earlier, amends=amends is not None))
        claims.append(Claim(delivery, past, earlier))
    return claims


_BY_KEY = select(schema.attempt).where(one_of(schema.attempt.c.key))


def attempts_by_key(connection: Connection, keys: Iterable[str]) -> dict[str, list[Attempt]]:
    found: dict[str, list[Attempt]] = {}
    for row in connection.execute(_BY_KEY, values(keys)):
        found.setdefault(row.key, []).append(attempt_of(row))
    return found


def _suppressed(connection: Connection, routes: set[Route], now: datetime) -> frozenset[Route]:
    table = schema.suppression
    if connection.execute(_ANY_SUPPRESSED).first() is None:
        return frozenset()
    query = select(table.c.channel, table.c.address).where(
        one_of(table.c.address), (table.c.ends_at.is_(None)) | (table.c.ends_at > now)
    )
    rows = connection.execute(query, values({route.address for route in routes}))
    return frozenset(routes.intersection(Route(row.channel, row.address) for row in rows))


_ANY_SUPPRESSED = select(schema.suppression.c.channel).limit(1)


def attempt_of(row: Row[Any]) -> Attempt:
    return Attempt(
        key=row.key,
        number=row.number,
        channel=row.channel,
        provider=row.provider,
        address=row.address,
        outcome=Outcome(row.outcome),
        begun_at=row.begun_at,
        ended_at=row.ended_at,
        error=row.error,
        reason=row.reason,
        layer=Layer(row.layer) if row.layer else None,
        place_only=row.place_only,
        not_before=row.not_before,
        reference=row.reference,
        note=row.note,
        possible_duplicate=row.possible_duplicate,
        offline=row.offline,
    )


def next_due(ledger: Ledger, announcement_ids: Sequence[str]) -> dict[tuple[str, str], datetime]:
    """When the next delivery of each announcement and lane is due (or its lease ends)."""
    table = schema.delivery
    query = (
        select(table.c.announcement_id, table.c.lane, func.min(table.c.next_at).label("next_at"))
        .where(table.c.announcement_id.in_(announcement_ids), table.c.state == "open")
        .group_by(table.c.announcement_id, table.c.lane)
    )
    with ledger.reading() as connection:
        return {(row.announcement_id, row.lane): row.next_at for row in connection.execute(query)}


def renew(ledger: Ledger, ids: Sequence[int], owner: str, lease_until: datetime) -> None:
    """We live: keep these deliveries."""
    table = schema.delivery
    statement = (
        update(table)
        .where(table.c.id == bindparam("claimed"), table.c.owner == owner, table.c.state == "open")
        .values(next_at=lease_until)
    )
    with ledger.writing() as connection:
        connection.execute(statement, [{"claimed": id} for id in ids])


def hasten(ledger: Ledger, now: datetime) -> None:
    """A provider may be tried again: whoever waits for one is looked at now."""
    table = schema.delivery
    with ledger.writing() as connection:
        connection.execute(
            update(table)
            .where(table.c.state == "open", table.c.why.in_(("retry", "held")), table.c.owner.is_(None))
            .where(table.c.next_at > now)
            .values(next_at=now)
        )


def change_lane(ledger: Ledger, lost: str, lane: str) -> None:
    """A channel was removed from the settings: its deliveries are decided upon in another lane."""
    table = schema.delivery
    with ledger.writing() as connection:
        connection.execute(
            update(table).where(table.c.state == "open", table.c.lane == lost).values(lane=lane)
        )


def rescue(ledger: Ledger, now: datetime) -> int:
    """Settle what a dead dispatcher left. Call it only while holding the dispatcher lock.

    Attempts that were begun may have gone out: their outcome is unknown, never "unsent" (P3).
    Returns how many there were.
    """
    attempts, deliveries = schema.attempt, schema.delivery
    with ledger.writing() as connection:
        left = connection.execute(
            update(attempts)
            .where(attempts.c.outcome == Outcome.BEGUN.value)
            .values(
                outcome=Outcome.UNKNOWN.value,
                error="outcome-unknown",
                reason="the program ended before the answer came",
                ended_at=now,
            )
        )
        connection.execute(
            update(deliveries)
            .where(deliveries.c.state == "open", deliveries.c.owner.is_not(None))
            .values(owner=None, next_at=now)
        )
        connection.execute(
            update(deliveries).where(deliveries.c.waits_for.is_not(None)).values(waits_for=None, next_at=now)
        )
        return left.rowcount
