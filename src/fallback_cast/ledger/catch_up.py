"""Places that catch up: what went past them, and the one late delivery each of them gets."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import and_, or_, select, update

from fallback_cast.ledger import schema
from fallback_cast.ledger.bulk import insert_or_change
from fallback_cast.ledger.claim import attempts_by_key
from fallback_cast.ledger.open import Ledger
from fallback_cast.model.delivery import RecipientKind, Route, State, Why
from fallback_cast.model.message import keys_until
from fallback_cast.model.outages import FAILURES, CatchUp, PassedChain, Trouble

_WORTH = ("dispatching", "held", "settled")


def passed_chains(ledger: Ledger, channel: str, now: datetime) -> list[PassedChain]:
    """Closed chains with a route on this channel, of announcements that are of use still.

    Left out are tests, notices to the organisers, and what has its catch-up already.
    """
    d, a = schema.delivery, schema.announcement
    had = d.alias("had")
    route = f'["{channel}", '  # as ledger/announce.py writes it
    caught_up = (
        select(had.c.id)
        .where(had.c.announcement_id == a.c.id, had.c.catch_up, had.c.recipient == channel)
        .exists()
    )
    query = (
        select(d, a.c.expires_at)
        .join(a, a.c.id == d.c.announcement_id)
        .where(a.c.expires_at > now, a.c.state.in_(_WORTH), a.c.cancelled_at.is_(None))
        .where(~a.c.test, ~a.c.notice, ~caught_up, d.c.amends.is_(None))
        .where(
            or_(
                and_(
                    d.c.kind == RecipientKind.EVERYONE.value, d.c.state == State.REACHED.value, d.c.fell_back
                ),
                and_(d.c.kind == RecipientKind.MEMBER.value, d.c.state == State.UNREACHED.value),
            ),
            d.c.routes.contains(route, autoescape=True),
        )
        .order_by(d.c.id)
    )
    with ledger.reading() as connection:
        rows = connection.execute(query).all()
        routes = [tuple(Route(c, address) for c, address in json.loads(row.routes)) for row in rows]
        keys = [
            {
                key
                for r in mine
                if r.channel == channel
                for key in keys_until(row.announcement_id, row.revision, r.channel, r.address)
            }
            for row, mine in zip(rows, routes, strict=True)
        ]
        attempts = attempts_by_key(connection, set().union(*keys))
    return [
        PassedChain(
            announcement_id=row.announcement_id,
            revision=row.revision,
            kind=RecipientKind(row.kind),
            state=State(row.state),
            routes=mine,
            via=row.via,
            opened_at=row.opened_at,
            closed_at=row.closed_at,
            expires_at=row.expires_at,
            tried=tuple(a for key in own for a in attempts.get(key, ())),
        )
        for row, mine, own in zip(rows, routes, keys, strict=True)
    ]


def troubles(ledger: Ledger, channel: str, since: datetime) -> list[Trouble]:
    """When the channel was out: its outages, and single failures that never became one."""
    o, e = schema.outage, schema.evidence
    outages = select(o.c.began_at, o.c.ended_at).where(o.c.channel == channel)
    failures = select(e.c.at).where(e.c.channel == channel, e.c.at >= since, e.c.signal.in_(FAILURES))
    with ledger.reading() as connection:
        found = [Trouble(row.began_at, row.ended_at) for row in connection.execute(outages)]
        return found + [Trouble(at, at) for at in connection.execute(failures).scalars()]


def store_catch_ups(ledger: Ledger, planned: Sequence[CatchUp], now: datetime) -> int:
    """Open one delivery for each; one that was there already, or ever, is left alone. Returns how many."""
    d, a = schema.delivery, schema.announcement
    opened = 0
    with ledger.writing() as connection:
        for one in planned:
            statement = insert_or_change(connection, d).values(
                announcement_id=one.announcement_id,
                kind=RecipientKind.PLACE.value,
                recipient=one.route.channel,
                routes=json.dumps([[one.route.channel, one.route.address]], ensure_ascii=False),
                revision=select(a.c.revision).where(a.c.id == one.announcement_id).scalar_subquery(),
                state=State.OPEN.value,
                why=Why.QUEUED.value,
                lane=one.route.channel,
                next_at=now,
                opened_at=now,
                catch_up=True,
            )
            done = connection.execute(
                statement.on_conflict_do_nothing(
                    index_elements=["announcement_id", "recipient"], index_where=d.c.catch_up
                )
            )
            if done.rowcount == 1:
                opened += 1
                connection.execute(
                    update(a)
                    .where(a.c.id == one.announcement_id, a.c.state == "settled")
                    .values(state="dispatching")
                )
    return opened
