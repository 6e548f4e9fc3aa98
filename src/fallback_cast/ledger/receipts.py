"""Taking in receipts: the attempt changes, and whoever it failed is due again on the next route."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, or_, select, update

from fallback_cast.ledger import schema
from fallback_cast.ledger.bulk import insert_or_change
from fallback_cast.ledger.open import Ledger
from fallback_cast.ledger.record import BOUNCE_LASTS
from fallback_cast.model.delivery import Outcome, State, Why
from fallback_cast.model.receipt import Receipt, Told, outcome_after

REFUSED = "address-refused"
LASTING = {Told.COMPLAINT: "complaint", Told.UNSUBSCRIBED: "unsubscribed"}


@dataclass(frozen=True, slots=True)
class Taken:
    """What receipts changed."""

    known: int = 0  # of an attempt of this ledger
    reopened: int = 0  # deliveries that go on by their next route


def receive(ledger: Ledger, receipts: Sequence[Receipt], now: datetime) -> Taken:
    """Take receipts in, in one commit; one that is here already changes nothing. Raises LedgerError."""
    known = reopened = 0
    with ledger.writing() as connection:
        for receipt in receipts:
            attempt = _attempt(connection, receipt.key_prefix)
            if attempt is None:
                continue
            known += 1
            if _note(connection, attempt, receipt):
                reopened += _apply(connection, attempt, receipt, now)
    return Taken(known, reopened)


def _attempt(connection: Connection, prefix: str) -> Row[Any] | None:
    """The last attempt with this key that may have gone out."""
    table = schema.attempt
    query = select(table).where(
        table.c.key >= prefix, table.c.key < prefix + "g", table.c.outcome != Outcome.BEGUN.value
    )
    rows = connection.execute(query.order_by(table.c.number.desc())).all()
    sure = [row for row in rows if row.outcome != Outcome.FAILED.value]
    return next(iter(sure or rows), None)


def _note(connection: Connection, attempt: Row[Any], receipt: Receipt) -> bool:
    """Write it down; False if it was there."""
    statement = insert_or_change(connection, schema.receipt).values(
        attempt_id=attempt.id,
        told=receipt.told.value,
        source=receipt.source,
        detail=receipt.detail,
        at=receipt.at,
    )
    done = connection.execute(statement.on_conflict_do_nothing(index_elements=["attempt_id", "told"]))
    return bool(done.rowcount)


def _apply(connection: Connection, attempt: Row[Any], receipt: Receipt, now: datetime) -> int:
    table = schema.receipt
    told = connection.execute(select(table.c.told).where(table.c.attempt_id == attempt.id)).scalars()
    before = Outcome(attempt.outcome)
    after = outcome_after(before, {Told(word) for word in told})
    if receipt.gone or receipt.told in LASTING:
        _suppress(connection, attempt, receipt, now)
    if after is before:
        return 0
    if after is Outcome.FAILED:
        reason = f"accepted, then refused: {receipt.detail}"
        values: dict[str, Any] = {"outcome": after.value, "error": REFUSED, "reason": reason}
    else:
        values = {"outcome": after.value, "error": None, "reason": ""}
    connection.execute(update(schema.attempt).where(schema.attempt.c.id == attempt.id).values(values))
    return _wake(connection, attempt, now, failed=after is Outcome.FAILED)


def _suppress(connection: Connection, attempt: Row[Any], receipt: Receipt, now: datetime) -> None:
    """A complaint or an unsubscription has no end but the person's own wish; a bounce does not replace it."""
    if _is_place(connection, attempt):
        return
    table = schema.suppression
    found = connection.execute(
        select(table.c.ends_at).where(table.c.channel == attempt.channel, table.c.address == attempt.address)
    ).first()
    if found is not None and found.ends_at is None:
        return
    cause = LASTING.get(receipt.told, "bounced")
    values = {
        "cause": cause,
        "evidence": receipt.detail,
        "since": now,
        "ends_at": None if receipt.told in LASTING else now + BOUNCE_LASTS,
    }
    statement = insert_or_change(connection, table).values(
        channel=attempt.channel, address=attempt.address, **values
    )
    connection.execute(statement.on_conflict_do_update(index_elements=["channel", "address"], set_=values))


def _is_place(connection: Connection, attempt: Row[Any]) -> bool:
    """A place is never suppressed: it is told by deliveries that are nobody's."""
    table = schema.delivery
    kind = connection.execute(select(table.c.kind).where(table.c.id == attempt.delivery_id)).scalar()
    return kind != "member"


def _wake(connection: Connection, attempt: Row[Any], now: datetime, *, failed: bool) -> int:
    """Whoever was covered by this attempt looks again: those it failed go on, those it reached end."""
    table, announcement = schema.delivery, schema.announcement
    head = connection.execute(
        select(announcement).where(announcement.c.id == attempt.announcement_id)
    ).first()
    if head is None or head.expires_at <= now or head.state == "cancelled":
        return 0
    covered = or_(table.c.id == attempt.delivery_id, table.c.member_id.in_(_sharers(attempt)))
    ours = (table.c.announcement_id == attempt.announcement_id, covered)
    connection.execute(  # open ones that nobody holds
        update(table).where(*ours, table.c.state == "open", table.c.owner.is_(None)).values(next_at=now)
    )
    closed = (State.REACHED.value,) if failed else (State.UNREACHED.value, State.EXPIRED.value)
    again = update(table).where(*ours, table.c.state.in_(closed))
    if failed:
        again = again.where(table.c.via == attempt.channel)
    done = connection.execute(
        again.values(
            state="open",
            why=Why.QUEUED.value,
            lane=attempt.channel,
            next_at=now,
            via=None,
            closed_at=None,
            reasons=None,
            owner=None,
        )
    )
    if done.rowcount:
        connection.execute(
            update(announcement)
            .where(announcement.c.id == attempt.announcement_id)
            .values(state="dispatching", settled_at=None)
        )
    return done.rowcount if failed else 0


def _sharers(attempt: Row[Any]) -> Any:
    """Members who have the same address on this channel (P11)."""
    table = schema.member_address
    return select(table.c.member_id).where(
        table.c.channel == attempt.channel, table.c.address == attempt.address
    )
