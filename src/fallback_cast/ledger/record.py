"""Recording attempts and what becomes of deliveries, many at a time in one commit.

Each statement stands beside the function that makes its rows: positions in the one are places in the other.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, delete, insert, literal, select, update
from sqlalchemy.exc import IntegrityError

from fallback_cast.ledger import schema
from fallback_cast.ledger.bulk import execute, given, insert_or_change
from fallback_cast.ledger.open import Ledger
from fallback_cast.model.delivery import Attempt, Outcome, State, Why

BOUNCE_LASTS = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Begun:
    """An attempt that is about to touch the wire, for this delivery."""

    attempt: Attempt
    announcement_id: str
    delivery_id: int
    revision: int = 1  # of the text that would go out


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
    amends: int | None = None


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

    withdrawn: list[Attempt] = field(default_factory=list)  # begun, and never on the wire
    begun: list[Begun] = field(default_factory=list)
    ended: list[Attempt] = field(default_factory=list)
    moved: list[Moved] = field(default_factory=list)
    closed: list[Closed] = field(default_factory=list)
    touched: list[tuple[int, datetime]] = field(default_factory=list)  # late news: look at them again
    woken: list[tuple[str, datetime]] = field(default_factory=list)  # keys that others wait for
    suppressed: list[Suppressed] = field(default_factory=list)
    unsuppressed: list[tuple[str, str]] = field(default_factory=list)

    def __len__(self) -> int:
        outcomes = len(self.withdrawn) + len(self.begun) + len(self.ended)
        fates = len(self.moved) + len(self.closed)
        return outcomes + fates + len(self.touched) + len(self.woken)


class AlreadyBegun(Exception):
    """Another owner has begun the same attempt, or its text was corrected: the whole batch was left
    unwritten."""


_attempt, _delivery = schema.attempt, schema.delivery
_WITHDRAW = delete(_attempt).where(
    _attempt.c.key == bindparam("the_key"),
    _attempt.c.number == bindparam("the_number"),
    _attempt.c.outcome == Outcome.BEGUN.value,
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
        if batch.withdrawn:
            gone = [{"the_key": a.key, "the_number": a.number} for a in batch.withdrawn]
            connection.execute(_WITHDRAW, gone)
        if batch.begun:
            if _corrected(connection, batch.begun):
                raise AlreadyBegun
            try:
                execute(connection, _BEGIN, [_begun_row(row, owner) for row in batch.begun])
            except IntegrityError:
                raise AlreadyBegun from None
        if batch.ended:
            _end(connection, batch.ended)
        if batch.moved:
            execute(connection, _MOVE, [_moved_row(row, owner) for row in batch.moved])
        if batch.closed:
            _close(connection, batch.closed, owner)
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


def _corrected(connection: Connection, begun: Sequence[Begun]) -> bool:
    """Whether any of these would bring an old text: nothing old is begun once a correction is durable."""
    table = schema.announcement
    wanted = {(row.announcement_id, row.revision) for row in begun}
    query = select(table.c.id, table.c.revision).where(table.c.id.in_({id for id, _ in wanted}))
    return not wanted <= {
        (row.id, row.revision) for row in connection.execute(query.with_for_update(read=True))
    }


_BEGIN = insert(_attempt).from_select(
    [
        "key",
        "number",
        "announcement_id",
        "delivery_id",
        "channel",
        "provider",
        "address",
        "owner",
        "begun_at",
        "cost",
        "outcome",
    ],
    select(*(given(position) for position in range(10)), literal(Outcome.BEGUN.value)),
)


def _begun_row(begun: Begun, owner: str) -> tuple[object, ...]:
    attempt = begun.attempt
    return (
        attempt.key,
        attempt.number,
        begun.announcement_id,
        begun.delivery_id,
        attempt.channel,
        attempt.provider,
        attempt.address,
        owner,
        attempt.begun_at,
        None if attempt.cost is None else float(attempt.cost),
    )


_SUCCEED = (  # the usual end: most columns stay empty
    update(_attempt)
    .where(_attempt.c.key == given(0), _attempt.c.number == given(1))
    .values(
        outcome=given(2), reference=given(3), note=given(4), possible_duplicate=given(5), ended_at=given(6)
    )
)


def _succeeded_row(attempt: Attempt) -> tuple[object, ...]:
    return (
        attempt.key,
        attempt.number,
        attempt.outcome,
        attempt.reference,
        attempt.note,
        attempt.possible_duplicate,
        attempt.ended_at,
    )


def _end(connection: Connection, ended: Sequence[Attempt]) -> None:
    plain = [_succeeded_row(attempt) for attempt in ended if attempt.outcome.success]
    others = [_ended_row(attempt) for attempt in ended if not attempt.outcome.success]
    if plain:
        execute(connection, _SUCCEED, plain)
    if others:
        execute(connection, _END, others)


_END = (
    update(_attempt)
    .where(_attempt.c.key == given(0), _attempt.c.number == given(1))
    .values(
        provider=given(2),
        outcome=given(3),
        error=given(4),
        reason=given(5),
        layer=given(6),
        place_only=given(7),
        not_before=given(8),
        reference=given(9),
        note=given(10),
        possible_duplicate=given(11),
        ended_at=given(12),
        offline=given(13),
    )
)


def _ended_row(attempt: Attempt) -> tuple[object, ...]:
    return (
        attempt.key,
        attempt.number,
        attempt.provider,
        attempt.outcome,
        attempt.error,
        attempt.reason,
        attempt.layer,
        attempt.place_only,
        attempt.not_before,
        attempt.reference,
        attempt.note,
        attempt.possible_duplicate,
        attempt.ended_at,
        attempt.offline,
    )


def excuse(ledger: Ledger, channels: Collection[str], since: datetime) -> None:
    """As it turned out, our own line was down from then on: what failed here was no fault of its route."""
    with ledger.writing() as connection:
        connection.execute(
            update(_attempt)
            .where(_attempt.c.channel.in_(channels), _attempt.c.ended_at > since)
            .where(_attempt.c.outcome == Outcome.FAILED, _attempt.c.error == "unavailable")
            .values(offline=True)
        )


_MOVE = (
    update(_delivery)
    .where(_delivery.c.id == given(0), _delivery.c.owner == given(1))
    .values(lane=given(2), why=given(3), next_at=given(4), waits_for=given(5), owner=None)
)


def _moved_row(moved: Moved, owner: str) -> tuple[object, ...]:
    return (moved.delivery_id, owner, moved.lane, moved.why, moved.next_at, moved.waits_for)


_CLOSE = (
    update(_delivery)
    .where(_delivery.c.id == given(0), _delivery.c.owner == given(1))
    .values(
        state=given(2),
        via=given(3),
        fell_back=given(4),
        skipped=given(5),
        reasons=given(6),
        closed_at=given(7),
        owner=None,
        waits_for=None,
    )
)


_REACH_AFTER_ALL = (  # whether the first text came is unknown, but the correction did
    update(_delivery)
    .where(_delivery.c.id == given(0), _delivery.c.state.in_(("unreached", "expired")))
    .values(state=State.REACHED.value, via=given(1), closed_at=given(2), fell_back=False, reasons=None)
)


_CLOSE_PLAINLY = (  # reached by its first channel: nothing to tell about it
    update(_delivery)
    .where(_delivery.c.id == given(0), _delivery.c.owner == given(1))
    .values(
        state=given(2),
        via=given(3),
        closed_at=given(4),
        fell_back=False,
        skipped=None,
        reasons=None,
        owner=None,
        waits_for=None,
    )
)


def _close(connection: Connection, closed: Sequence[Closed], owner: str) -> None:
    plain, others = [], []
    for row in closed:
        if row.fell_back or row.skipped or row.reasons:
            others.append(_closed_row(row, owner))
        else:
            plain.append((row.delivery_id, owner, row.state, row.via, row.at))
    if plain:
        execute(connection, _CLOSE_PLAINLY, plain)
    told = [(row.amends, row.via, row.at) for row in closed if row.amends and row.state is State.REACHED]
    if told:
        execute(connection, _REACH_AFTER_ALL, told)
    if others:
        execute(connection, _CLOSE, others)


def _closed_row(closed: Closed, owner: str) -> tuple[object, ...]:
    return (
        closed.delivery_id,
        owner,
        closed.state,
        closed.via,
        closed.fell_back,
        ",".join(closed.skipped) or None,
        json.dumps(closed.reasons, ensure_ascii=False) if closed.reasons else None,
        closed.at,
    )


def _suppress(connection: Connection, rows: Sequence[Suppressed]) -> None:
    statement = insert_or_change(connection, schema.suppression)
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
