"""Writing an announcement down, with one delivery per recipient, in one transaction (P1)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from sqlalchemy import Connection, insert, select

from fallback_cast.ledger import schema
from fallback_cast.ledger.bulk import execute, given
from fallback_cast.ledger.open import Ledger
from fallback_cast.model.announcement import Announcement, Importance
from fallback_cast.model.delivery import RecipientKind, Route, State, Why

PAGE = 1000  # deliveries written at once: memory does not grow with the recipients
REPEATED_WITHIN = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class PlannedDelivery:
    """A recipient with routes in rank order, or excluded before planning, with the reason."""

    kind: RecipientKind
    recipient: str
    routes: tuple[Route, ...]
    member_id: int | None = None
    excluded: str | None = None
    timezone: str | None = None  # of the member, if not the club's


@dataclass(frozen=True, slots=True)
class Stored:
    """What was written: a new announcement, or the earlier one under the same key."""

    id: str
    code: str
    repeated: bool = False


class KeyConflict(Exception):
    """The idempotency key was used for other content; `id` is the announcement that has it."""

    def __init__(self, id: str) -> None:
        super().__init__(id)
        self.id = id


class RepeatedContent(Exception):
    """The same title and text went out within the last hour, as announcement `id`."""

    def __init__(self, id: str) -> None:
        super().__init__(id)
        self.id = id


def store_announcement(
    ledger: Ledger,
    announcement: Announcement,
    deliveries: Iterable[PlannedDelivery],
    *,
    starts_at: datetime,
    gate_until: datetime | None,
    key: str | None = None,
    again: bool = False,
) -> Stored:
    """Write all or nothing. Raises KeyConflict, RepeatedContent (unless `again`), LedgerError."""
    with ledger.writing() as connection:
        earlier = _earlier(connection, announcement, key, again)
        if earlier is not None:
            return earlier
        write_announcement(connection, announcement, deliveries, starts_at, gate_until, key)
    return Stored(announcement.id, announcement.code)


def write_announcement(
    connection: Connection,
    announcement: Announcement,
    deliveries: Iterable[PlannedDelivery],
    starts_at: datetime,
    gate_until: datetime | None = None,
    key: str | None = None,
    *,
    notice: bool = False,
) -> None:
    """Write it within the caller's transaction; a `notice` tells organisers of outages."""
    _insert_announcement(connection, announcement, starts_at, gate_until, key, notice)
    for page in _pages(deliveries):
        execute(connection, _INSERT, [_row(announcement, planned, starts_at) for planned in page])


def _earlier(
    connection: Connection, announcement: Announcement, key: str | None, again: bool
) -> Stored | None:
    table = schema.announcement
    if key is not None:
        row = connection.execute(select(table).where(table.c.idempotency_key == key)).first()
        if row is not None:
            if row.content_hash != announcement.content_hash:
                raise KeyConflict(row.id)
            return Stored(row.id, row.code, repeated=True)
    if again:
        return None
    recent = select(table.c.id).where(
        table.c.content_hash == announcement.content_hash,
        table.c.created_at > announcement.created_at - REPEATED_WITHIN,
        table.c.test == announcement.test,
        table.c.state != "cancelled",
        ~table.c.notice,
    )
    repeated = connection.execute(recent).scalar()
    if repeated is not None:
        raise RepeatedContent(repeated)
    return None


def _insert_announcement(
    connection: Connection,
    announcement: Announcement,
    starts_at: datetime,
    gate_until: datetime | None,
    key: str | None,
    notice: bool,
) -> None:
    waiting = starts_at > announcement.created_at
    connection.execute(
        insert(schema.announcement).values(
            id=announcement.id,
            code=announcement.code,
            title=announcement.title,
            body=announcement.body,
            importance=announcement.importance.value,
            language=announcement.language,
            link=announcement.link,
            event_at=announcement.event_at,
            place=announcement.place,
            private=announcement.private,
            test=announcement.test,
            revision=announcement.revision,
            content_hash=announcement.content_hash,
            idempotency_key=key,
            state="scheduled" if waiting else "dispatching",
            created_at=announcement.created_at,
            starts_at=starts_at,
            gate_until=gate_until,
            expires_at=announcement.expires_at,
            notice=notice,
        )
    )


_COLUMNS = (
    "announcement_id",
    "kind",
    "recipient",
    "member_id",
    "routes",
    "revision",
    "state",
    "why",
    "lane",
    "next_at",
    "reasons",
    "opened_at",
    "closed_at",
    "timezone",
)
_INSERT = insert(schema.delivery).from_select(_COLUMNS, select(*map(given, range(len(_COLUMNS)))))


def _row(announcement: Announcement, planned: PlannedDelivery, starts_at: datetime) -> tuple[object, ...]:
    """In the order of _COLUMNS."""
    state, reasons, closed_at = State.OPEN, None, None
    if planned.excluded is not None or not planned.routes:
        reason = planned.excluded or "no address on any channel"
        state, reasons, closed_at = State.EXCLUDED, json.dumps([reason]), announcement.created_at
    waiting = starts_at > announcement.created_at
    return (
        announcement.id,
        planned.kind,
        planned.recipient,
        planned.member_id,
        json.dumps([(r.channel, r.address) for r in planned.routes], ensure_ascii=False),
        announcement.revision,
        state,
        Why.SCHEDULED if waiting else Why.QUEUED,
        planned.routes[0].channel if planned.routes else "",
        starts_at,
        reasons,
        announcement.created_at,
        closed_at,
        planned.timezone,
    )


def _pages(deliveries: Iterable[PlannedDelivery]) -> Iterator[list[PlannedDelivery]]:
    iterator = iter(deliveries)
    while page := list(islice(iterator, PAGE)):
        yield page


def codes_in_use(ledger: Ledger, now: datetime) -> set[str]:
    """Codes of announcements that have not expired: a new one must differ."""
    table = schema.announcement
    with ledger.reading() as connection:
        return set(connection.execute(select(table.c.code).where(table.c.expires_at > now)).scalars())


def load_announcement(ledger: Ledger, id: str) -> Announcement | None:
    """The announcement as it stands now, or None."""
    table = schema.announcement
    with ledger.reading() as connection:
        row = connection.execute(select(table).where(table.c.id == id)).first()
    if row is None:
        return None
    return Announcement(
        id=row.id,
        code=row.code,
        title=row.title,
        body=row.body,
        importance=Importance(row.importance),
        created_at=row.created_at,
        expires_at=row.expires_at,
        language=row.language,
        revision=row.revision,
        link=row.link,
        event_at=row.event_at,
        place=row.place,
        private=row.private,
        test=row.test,
        cancelled=row.cancelled_at is not None,
    )
