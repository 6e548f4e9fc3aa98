"""Recording attempts and what becomes of deliveries, many at a time in one commit."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, delete, insert, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from fallback_cast.ledger import schema
from fallback_cast.ledger.open import Ledger
from fallback_cast.model.delivery import Attempt, Outcome, State, Why

BOUNCE_LASTS = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Begun:
    """An attempt that is about to touch the wire, for this delivery."""

    attempt: Attempt
    announcement_id: str
    delivery_id: int


@dataclass(frozen=True, slots=True)
class Moved:
    """A delivery goes on later or on another lane. Only its owner may move it."""

    delivery_id: int
    lane: str
    why: Why
    next_at: datetime
    waits_for: str | None = None


@dataclass(frozen=True, slots=True)
class Closed:
    """A delivery has ended. Only its owner may close it."""

    delivery_id: int
    state: State
    at: datetime
    via: str | None = None
    reasons: tuple[str, ...] = ()
    fell_back: bool = False
    skipped: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Suppressed:
    channel: str
    address: str
    cause: str
    evidence: str
    at: datetime


@dataclass(slots=True)
class Batch:
    """What one commit writes."""

    begun: list[Begun] = field(default_factory=list)
    ended: list[Attempt] = field(default_factory=list)
    moved: list[Moved] = field(default_factory=list)
    closed: list[Closed] = field(default_factory=list)
    touched: list[tuple[int, datetime]] = field(default_factory=list)  # late news: look at them again
    woken: list[tuple[str, datetime]] = field(default_factory=list)  # keys that others wait for
    suppressed: list[Suppressed] = field(default_factory=list)
    unsuppressed: list[tuple[str, str]] = field(default_factory=list)

    def __len__(self) -> int:
        outcomes = len(self.begun) + len(self.ended)
        fates = len(self.moved) + len(self.closed)
        return outcomes + fates + len(self.touched) + len(self.woken)


class AlreadyBegun(Exception):
    """Another owner has begun the same attempt: the whole batch was left unwritten."""


_delivery = schema.delivery
_INSERT_ATTEMPT = insert(schema.attempt)
_END_ATTEMPT = (
    update(schema.attempt)
    .where(schema.attempt.c.key == bindparam("the_key"), schema.attempt.c.number == bindparam("the_number"))
    .values(
        provider=bindparam("provider"),
        outcome=bindparam("outcome"),
        error=bindparam("error"),
        reason=bindparam("reason"),
        layer=bindparam("layer"),
        place_only=bindparam("place_only"),
        not_before=bindparam("not_before"),
        reference=bindparam("reference"),
        note=bindparam("note"),
        possible_duplicate=bindparam("possible_duplicate"),
        ended_at=bindparam("ended_at"),
    )
)
_MOVE = (
    update(_delivery)
    .where(_delivery.c.id == bindparam("the_id"), _delivery.c.owner == bindparam("the_owner"))
    .values(
        lane=bindparam("lane"),
        why=bindparam("why"),
        next_at=bindparam("next_at"),
        waits_for=bindparam("waits_for"),
        owner=None,
    )
)
_CLOSE = (
    update(_delivery)
    .where(_delivery.c.id == bindparam("the_id"), _delivery.c.owner == bindparam("the_owner"))
    .values(
        state=bindparam("state"),
        via=bindparam("via"),
        fell_back=bindparam("fell_back"),
        skipped=bindparam("skipped"),
        reasons=bindparam("reasons"),
        closed_at=bindparam("closed_at"),
        owner=None,
        waits_for=None,
    )
)
_TOUCH = (
    update(_delivery)
    .where(_delivery.c.id == bindparam("the_id"), _delivery.c.state == "open", _delivery.c.owner.is_(None))
    .values(next_at=bindparam("next_at"))
)
_WAKE = (
    update(_delivery)
    .where(
        _delivery.c.waits_for == bindparam("the_key"),
        _delivery.c.state == "open",
        _delivery.c.owner.is_(None),
    )
    .values(next_at=bindparam("next_at"), waits_for=None)
)


def write_batch(ledger: Ledger, batch: Batch, owner: str) -> None:
    """Write everything in one commit. Raises AlreadyBegun or LedgerError; then nothing was written."""
    with ledger.writing() as connection:
        if batch.begun:
            try:
                connection.execute(_INSERT_ATTEMPT, [_begun_row(row, owner) for row in batch.begun])
            except IntegrityError:
                raise AlreadyBegun from None
        if batch.ended:
            connection.execute(_END_ATTEMPT, [_ended_row(row) for row in batch.ended])
        if batch.moved:
            connection.execute(_MOVE, [_moved_row(row, owner) for row in batch.moved])
        if batch.closed:
            connection.execute(_CLOSE, [_closed_row(row, owner) for row in batch.closed])
        if batch.touched:
            connection.execute(_TOUCH, [{"the_id": id, "next_at": at} for id, at in batch.touched])
        if batch.woken:
            connection.execute(_WAKE, [{"the_key": key, "next_at": at} for key, at in batch.woken])
        if batch.suppressed:
            _suppress(connection, batch.suppressed)
        for channel, address in batch.unsuppressed:
            table = schema.suppression
            connection.execute(
                delete(table).where(
                    table.c.channel == channel, table.c.address == address, table.c.cause == "refused"
                )
            )


def _begun_row(begun: Begun, owner: str) -> dict[str, object]:
    attempt = begun.attempt
    return {
        "key": attempt.key,
        "number": attempt.number,
        "announcement_id": begun.announcement_id,
        "delivery_id": begun.delivery_id,
        "channel": attempt.channel,
        "provider": attempt.provider,
        "address": attempt.address,
        "outcome": Outcome.BEGUN.value,
        "owner": owner,
        "begun_at": attempt.begun_at,
    }


def _ended_row(attempt: Attempt) -> dict[str, object]:
    return {
        "the_key": attempt.key,
        "the_number": attempt.number,
        "provider": attempt.provider,
        "outcome": attempt.outcome.value,
        "error": attempt.error,
        "reason": attempt.reason,
        "layer": attempt.layer.value if attempt.layer else None,
        "place_only": attempt.place_only,
        "not_before": attempt.not_before,
        "reference": attempt.reference,
        "note": attempt.note,
        "possible_duplicate": attempt.possible_duplicate,
        "ended_at": attempt.ended_at,
    }


def _moved_row(moved: Moved, owner: str) -> dict[str, object]:
    return {
        "the_id": moved.delivery_id,
        "the_owner": owner,
        "lane": moved.lane,
        "why": moved.why.value,
        "next_at": moved.next_at,
        "waits_for": moved.waits_for,
    }


def _closed_row(closed: Closed, owner: str) -> dict[str, object]:
    return {
        "the_id": closed.delivery_id,
        "the_owner": owner,
        "state": closed.state.value,
        "via": closed.via,
        "fell_back": closed.fell_back,
        "skipped": ",".join(closed.skipped) or None,
        "reasons": json.dumps(closed.reasons, ensure_ascii=False) if closed.reasons else None,
        "closed_at": closed.at,
    }


def _suppress(connection: Connection, rows: Sequence[Suppressed]) -> None:
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(schema.suppression)
    values = {"cause": statement.excluded.cause, "evidence": statement.excluded.evidence}
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["channel", "address"],
            set_=values | {"since": statement.excluded.since, "ends_at": statement.excluded.ends_at},
        ),
        [
            {
                "channel": row.channel,
                "address": row.address,
                "cause": row.cause,
                "evidence": row.evidence,
                "since": row.at,
                "ends_at": row.at + BOUNCE_LASTS,
            }
            for row in rows
        ],
    )
