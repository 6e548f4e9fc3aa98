"""Opening closed deliveries once more."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import bindparam, select, update

from fallback_cast.ledger import schema
from fallback_cast.ledger.open import Ledger
from fallback_cast.model.delivery import Route, Why

PAGE = 500

NewRoutes = Callable[[str, str, int | None, tuple[Route, ...]], tuple[Route, ...]]


def reopen_deliveries(ledger: Ledger, id: str, routes: NewRoutes, now: datetime, expires_at: datetime) -> int:
    """Unreached and expired deliveries become due now, with what `routes` makes of the old ones."""
    table, announcement = schema.delivery, schema.announcement
    opened = 0
    with ledger.writing() as connection:
        while True:
            query = select(table).where(
                table.c.announcement_id == id, table.c.state.in_(("unreached", "expired")), ~table.c.catch_up
            )
            rows = connection.execute(query.limit(PAGE)).all()
            if not rows:
                break
            values: list[dict[str, object]] = []
            for row in rows:
                old = tuple(Route(channel, address) for channel, address in json.loads(row.routes))
                # A correction goes to who was told by its first route, and by no new ones.
                given = (row.kind, row.recipient, row.member_id, old)
                renewed = old if row.amends is not None else routes(*given)
                if not renewed:  # consent was withdrawn meanwhile, or the person is erased
                    reasons = row.reasons if not old else '["no consent"]'
                    gone = update(table).where(table.c.id == row.id)
                    connection.execute(gone.values(state="excluded", reasons=reasons))
                    continue
                values.append(
                    {
                        "the_id": row.id,
                        "routes": json.dumps([[r.channel, r.address] for r in renewed], ensure_ascii=False),
                        "lane": renewed[0].channel,
                    }
                )
            if not values:
                continue
            connection.execute(
                update(table)
                .where(table.c.id == bindparam("the_id"))
                .values(
                    routes=bindparam("routes"),
                    lane=bindparam("lane"),
                    state="open",
                    why=Why.QUEUED.value,
                    next_at=now,
                    opened_at=now,
                    closed_at=None,
                    reasons=None,
                    owner=None,
                ),
                values,
            )
            opened += len(values)
        if opened:
            later = announcement.c.expires_at < expires_at
            connection.execute(
                update(announcement)
                .where(announcement.c.id == id)
                .values(state="dispatching", settled_at=None)
            )
            connection.execute(
                update(announcement).where(announcement.c.id == id, later).values(expires_at=expires_at)
            )
    return opened
