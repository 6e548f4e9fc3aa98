"""Corrections and cancellations: a new revision, written with everything that follows from it (design §8).

One transaction. What is queued takes the new text; each recipient gets one delivery more for each route
by which the old text went, or may have gone; nothing old can be begun any more (ledger/record.py).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any

from sqlalchemy import Connection, Row, and_, case, func, insert, literal, select, update

from fallback_cast.ledger import schema
from fallback_cast.ledger.bulk import execute, given, one_of, values
from fallback_cast.ledger.claim import attempts_by_key
from fallback_cast.ledger.open import Ledger
from fallback_cast.model.announcement import Announcement
from fallback_cast.model.delivery import Outcome, State, Why
from fallback_cast.model.message import keys_until
from fallback_cast.model.revision import may_have_told

PAGE = 1000

_announcement, _delivery, _revision = schema.announcement, schema.delivery, schema.revision


@dataclass(frozen=True, slots=True)
class Revised:
    """What became of it: the newest revision, and how many recipients and routes hear of it."""

    revision: int
    due: int = 0


class ChangedMeanwhile(Exception):
    """Another revision was stored since the announcement was read."""


def revise(
    ledger: Ledger,
    old: Announcement,
    new: Announcement,
    now: datetime,
    *,
    publishing: Collection[str] = (),
    gate_until: datetime | None = None,
) -> Revised:
    """Store `new` as the next revision of `old`; with `new.cancelled`, call it off.

    The other channels wait until `gate_until` if one of `publishing` has a page to rewrite first.
    Raises ChangedMeanwhile or LedgerError; then nothing is changed.
    """
    with ledger.writing() as connection:
        row = connection.execute(
            select(_announcement).where(_announcement.c.id == old.id).with_for_update()
        ).one()
        if row.revision != old.revision or row.cancelled_at is not None:
            raise ChangedMeanwhile
        _keep_texts(connection, old, new, now)
        _take_text(connection, new, now)
        due = sum(_amend(connection, page, new, now) for page in _pages(connection, new.id, old.revision))
        _renew(connection, new, now)
        if publishing and gate_until is not None:
            _gate(connection, new.id, publishing, gate_until)
        _go_on(connection, new, now)
    return Revised(new.revision, due)


def _keep_texts(connection: Connection, old: Announcement, new: Announcement, now: datetime) -> None:
    kept = connection.execute(
        select(_revision.c.revision).where(_revision.c.announcement_id == old.id).limit(1)
    ).first()
    texts = [(new, now)] if kept else [(old, old.created_at), (new, now)]
    connection.execute(
        insert(_revision),
        [
            {
                "announcement_id": text.id,
                "revision": text.revision,
                "at": at,
                "title": text.title,
                "body": text.body,
                "link": text.link,
                "event_at": text.event_at,
                "place": text.place,
                "cancelled": text.cancelled,
            }
            for text, at in texts
        ],
    )


def _take_text(connection: Connection, new: Announcement, now: datetime) -> None:
    connection.execute(
        update(_announcement)
        .where(_announcement.c.id == new.id)
        .values(
            title=new.title,
            body=new.body,
            link=new.link,
            event_at=new.event_at,
            place=new.place,
            revision=new.revision,
            content_hash=new.content_hash,
            cancelled_at=now if new.cancelled else None,
        )
    )


# -- who was told ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Touched:
    """A recipient, and the routes by which an earlier text went, or may have gone."""

    row: Row[Any]
    routes: tuple[tuple[str, str], ...]
    told_by: tuple[tuple[str, str], ...]


def _pages(connection: Connection, id: str, revision: int) -> Iterator[list[_Touched]]:
    """Everybody who may have been told, a page at a time: memory does not grow with the recipients."""
    last = 0
    while True:
        query = select(_delivery).where(
            _delivery.c.announcement_id == id, _delivery.c.id > last, _delivery.c.amends.is_(None)
        )
        rows = connection.execute(query.order_by(_delivery.c.id).limit(PAGE)).all()
        if not rows:
            return
        last = rows[-1].id
        yield list(_touched(connection, id, revision, rows))


def _touched(connection: Connection, id: str, revision: int, rows: Sequence[Row[Any]]) -> Iterator[_Touched]:
    routes = {row.id: tuple((c, a) for c, a in json.loads(row.routes)) for row in rows}
    keys = {route: keys_until(id, revision, *route) for own in routes.values() for route in own}
    attempts = attempts_by_key(connection, chain.from_iterable(keys.values()))
    told = {
        route
        for route, own in keys.items()
        if any(may_have_told(attempt) for key in own for attempt in attempts.get(key, ()))
    }
    for row in rows:
        told_by = tuple(route for route in routes[row.id] if route in told)
        if told_by:
            yield _Touched(row, routes[row.id], told_by)


def _amend(connection: Connection, page: Sequence[_Touched], new: Announcement, now: datetime) -> int:
    """One delivery for each of these routes; one that brought an earlier revision is opened again."""
    there = _standing(connection, [one.row.id for one in page])
    fresh, again = [], []
    for one in page:
        for route in one.told_by:
            ranked = json.dumps(
                [route, *(other for other in one.routes if other != route)], ensure_ascii=False
            )
            known = there.get((one.row.id, route))
            if known is not None:
                again.append((known, ranked, route[0], now))
            else:
                row = one.row
                fresh.append(
                    (
                        new.id,
                        row.kind,
                        row.recipient,
                        row.member_id,
                        ranked,
                        new.revision,
                        route[0],
                        now,
                        row.id,
                        row.timezone,
                    )
                )
    if fresh:
        execute(connection, _OPEN, fresh)
    if again:
        execute(connection, _OPEN_AGAIN, again)
    return len(fresh) + len(again)


def _standing(connection: Connection, ids: Iterable[int]) -> dict[tuple[int, tuple[str, str]], int]:
    query = select(_delivery.c.id, _delivery.c.amends, _delivery.c.routes).where(one_of(_delivery.c.amends))
    found = {}
    for row in connection.execute(query, values(ids)):
        channel, address = json.loads(row.routes)[0]
        found[row.amends, (channel, address)] = row.id
    return found


_OPEN = insert(_delivery).from_select(
    [
        "announcement_id",
        "kind",
        "recipient",
        "member_id",
        "routes",
        "revision",
        "lane",
        "next_at",
        "opened_at",
        "amends",
        "timezone",
        "state",
        "why",
    ],
    select(
        *(given(position) for position in range(8)),
        given(7),
        given(8),
        given(9),
        literal(State.OPEN.value),
        literal(Why.QUEUED.value),
    ),
)
_OPEN_AGAIN = (
    update(_delivery)
    .where(_delivery.c.id == given(0))
    .values(
        routes=given(1),
        lane=given(2),
        next_at=given(3),
        opened_at=given(3),
        state=State.OPEN.value,
        why=Why.QUEUED.value,
        closed_at=None,
        via=None,
        reasons=None,
        skipped=None,
        fell_back=False,
    )
)


# -- what is open ------------------------------------------------------------------------------


def _renew(connection: Connection, new: Announcement, now: datetime) -> None:
    """All deliveries are of the new revision, also those that may be opened again one day. Whoever holds
    an open one loses it: it is to be read anew, with the new text."""
    of_it = _delivery.c.announcement_id == new.id
    connection.execute(update(_delivery).where(of_it).values(revision=new.revision))
    connection.execute(
        update(_delivery)
        .where(of_it, _delivery.c.state == State.OPEN.value)
        .values(
            owner=None,
            waits_for=None,
            next_at=case(
                (_delivery.c.why == Why.SCHEDULED.value, _delivery.c.next_at),
                else_=literal(now, schema.Moment),
            ),
        )
    )
    if new.cancelled:
        _call_off(connection, new.id, now)


def _call_off(connection: Connection, id: str, now: datetime) -> None:
    """Nobody is told any more; what is on the wire at this moment is waited for, and then closed."""
    on_the_wire = select(schema.attempt.c.delivery_id).where(
        schema.attempt.c.announcement_id == id, schema.attempt.c.outcome == Outcome.BEGUN.value
    )
    connection.execute(
        update(_delivery)
        .where(
            _delivery.c.announcement_id == id,
            _delivery.c.state == State.OPEN.value,
            _delivery.c.amends.is_(None),
            _delivery.c.id.not_in(on_the_wire),
        )
        .values(state=State.CANCELLED.value, closed_at=now)
    )


def _gate(connection: Connection, id: str, publishing: Collection[str], until: datetime) -> None:
    """Our own page first, as with the first text (P7)."""
    to_rewrite = (
        select(_delivery.c.id)
        .where(
            _delivery.c.announcement_id == id,
            _delivery.c.state == State.OPEN.value,
            _delivery.c.kind == "place",
            _delivery.c.lane.in_(publishing),
        )
        .exists()
    )
    connection.execute(
        update(_announcement).where(_announcement.c.id == id, to_rewrite).values(gate_until=until)
    )


def _go_on(connection: Connection, new: Announcement, now: datetime) -> None:
    """It is dispatched again, unless nothing is left to do."""
    open_still = (
        select(_delivery.c.id)
        .where(_delivery.c.announcement_id == new.id, _delivery.c.state == State.OPEN.value)
        .exists()
    )
    mine = _announcement.c.id == new.id
    connection.execute(
        update(_announcement)
        .where(mine, _announcement.c.state == "settled", open_still)
        .values(state="dispatching", settled_at=None)
    )
    if new.cancelled:
        connection.execute(
            update(_announcement)
            .where(mine, open_still, _announcement.c.state == "scheduled")
            .values(state="dispatching", starts_at=now)
        )
        connection.execute(
            update(_announcement)
            .where(mine, ~open_still)
            .values(
                state="cancelled",
                settled_at=func.coalesce(_announcement.c.settled_at, literal(now, schema.Moment)),
            )
        )


# -- reading it back ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Correction:
    """The newest revision, and how far those are who knew an earlier text."""

    revision: int
    at: datetime
    cancelled: bool
    due: int  # routes by which an earlier text went, or may have gone
    told: int
    pending: int


def correction_of(ledger: Ledger, id: str) -> Correction | None:
    """None if the announcement still has its first text."""
    newest = select(_revision).where(_revision.c.announcement_id == id)
    counted = select(_delivery.c.state, func.count().label("n")).where(
        and_(_delivery.c.announcement_id == id, _delivery.c.amends.is_not(None))
    )
    with ledger.reading() as connection:
        row = connection.execute(newest.order_by(_revision.c.revision.desc()).limit(1)).first()
        if row is None:
            return None
        states = {r.state: r.n for r in connection.execute(counted.group_by(_delivery.c.state))}
    due = sum(n for state, n in states.items() if state != State.EXCLUDED.value)
    return Correction(
        row.revision,
        row.at,
        row.cancelled,
        due,
        states.get(State.REACHED.value, 0),
        states.get(State.OPEN.value, 0),
    )
