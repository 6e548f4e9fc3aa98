"""Reading the record back: one announcement's head, its deliveries, its attempts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select

from fallback_cast.ledger import schema
from fallback_cast.ledger.claim import attempts_by_key
from fallback_cast.ledger.open import Ledger
from fallback_cast.model.delivery import Attempt, Route
from fallback_cast.model.message import keys_until

PAGE = 500


@dataclass(frozen=True, slots=True)
class Header:
    id: str
    code: str
    title: str
    importance: str
    state: str
    created_at: datetime
    starts_at: datetime
    expires_at: datetime
    settled_at: datetime | None
    page_url: str | None


@dataclass(frozen=True, slots=True)
class DeliveryView:
    id: int
    recipient: str
    kind: str
    state: str
    why: str
    via: str | None
    routes: tuple[Route, ...]
    reasons: tuple[str, ...]
    next_at: datetime
    attempts: tuple[Attempt, ...]
    member_id: int | None = None

    @property
    def channels(self) -> tuple[str, ...]:
        return tuple(route.channel for route in self.routes)


def _header(row: Row[Any]) -> Header:
    return Header(
        row.id,
        row.code,
        row.title,
        row.importance,
        row.state,
        row.created_at,
        row.starts_at,
        row.expires_at,
        row.settled_at,
        row.page_url,
    )


def header(ledger: Ledger, id: str) -> Header | None:
    table = schema.announcement
    with ledger.reading() as connection:
        row = connection.execute(select(table).where(table.c.id == id)).first()
    return _header(row) if row else None


def recent_headers(ledger: Ledger, limit: int) -> list[Header]:
    """The newest announcements first; notices to the organisers are none."""
    table = schema.announcement
    query = select(table).where(~table.c.notice).order_by(table.c.created_at.desc()).limit(limit)
    with ledger.reading() as connection:
        rows = connection.execute(query).all()
    return [_header(row) for row in rows]


def find_ids(ledger: Ledger, given: str) -> list[str]:
    """Announcements whose id begins so, or whose code it is; people type as little as they can."""
    table = schema.announcement
    text = given.replace("%", "").replace("_", "")
    with ledger.reading() as connection:
        query = select(table.c.id).where((table.c.id.like(f"{text}%")) | (table.c.code == text.upper()))
        return list(connection.execute(query.order_by(table.c.created_at.desc()).limit(5)).scalars())


def open_ids(ledger: Ledger) -> list[str]:
    """Announcements with anything left to do."""
    table = schema.announcement
    with ledger.reading() as connection:
        query = select(table.c.id).where(table.c.state.in_(("scheduled", "dispatching", "held")))
        return list(connection.execute(query).scalars())


def count_keys_since(ledger: Ledger, prefix: str, since: datetime, *, but: str) -> int:
    """Announcements created since then whose idempotency key begins so; one key is not counted."""
    table = schema.announcement
    query = select(func.count()).where(
        table.c.created_at >= since,
        table.c.idempotency_key.startswith(prefix, autoescape=True),
        table.c.idempotency_key != but,
    )
    with ledger.reading() as connection:
        return connection.execute(query).scalar_one()


def soonest(ledger: Ledger) -> datetime | None:
    """When anything at all is due next; None if nothing is open."""
    moments = [moment for id in open_ids(ledger) if (moment := next_moment(ledger, id)) is not None]
    return min(moments, default=None)


def each_delivery(ledger: Ledger, id: str, states: Sequence[str] = ()) -> Iterator[DeliveryView]:
    """Deliveries with their attempts, in order of planning, a page at a time."""
    last = 0
    while page := _page(ledger, id, last, states):
        yield from page
        last = page[-1].id


def _page(ledger: Ledger, id: str, after: int, states: Sequence[str]) -> list[DeliveryView]:
    table = schema.delivery
    query = (
        select(table)
        .where(table.c.announcement_id == id, table.c.id > after, table.c.amends.is_(None))
        .order_by(table.c.id)
        .limit(PAGE)
    )
    if states:
        query = query.where(table.c.state.in_(states), ~table.c.catch_up)
    with ledger.reading() as connection:
        rows = connection.execute(query).all()
        routes = {row.id: json.loads(row.routes) for row in rows}
        keys = {
            (row.id, channel, address): keys_until(id, row.revision, channel, address)
            for row in rows
            for channel, address in routes[row.id]
        }
        attempts = attempts_by_key(connection, {key for own in keys.values() for key in own})
    return [
        DeliveryView(
            id=row.id,
            recipient=row.recipient,
            kind=row.kind,
            state=row.state,
            why=row.why,
            via=row.via,
            routes=tuple(Route(channel, address) for channel, address in routes[row.id]),
            reasons=tuple(json.loads(row.reasons)) if row.reasons else (),
            next_at=row.next_at,
            attempts=tuple(
                sorted(
                    (
                        a
                        for c, at in routes[row.id]
                        for key in keys[row.id, c, at]
                        for a in attempts.get(key, ())
                    ),
                    key=lambda a: a.begun_at,
                )
            ),
            member_id=row.member_id,
        )
        for row in rows
    ]


def next_moment(ledger: Ledger, id: str) -> datetime | None:
    """When the next delivery of an announcement is due, if any is open."""
    table = schema.delivery
    with ledger.reading() as connection:
        return connection.execute(
            select(func.min(table.c.next_at)).where(table.c.announcement_id == id, table.c.state == "open")
        ).scalar()
