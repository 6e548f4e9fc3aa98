"""How far an announcement is: opening its gate, settling it, counting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Integer, case, cast, func, literal, select, update

from fallback_cast.ledger import schema
from fallback_cast.ledger.open import Ledger


def start_due(ledger: Ledger, now: datetime) -> None:
    """Scheduled announcements whose time has come begin."""
    table = schema.announcement
    with ledger.writing() as connection:
        connection.execute(
            update(table)
            .where(table.c.state == "scheduled", table.c.starts_at <= now)
            .values(state="dispatching")
        )


def open_gate(ledger: Ledger, id: str, page_url: str | None) -> None:
    """Our own site has it (or its time is up): the others may go, with the page's link if it answers."""
    table = schema.announcement
    with ledger.writing() as connection:
        connection.execute(update(table).where(table.c.id == id).values(gate_until=None, page_url=page_url))


def open_deliveries(ledger: Ledger, id: str, kind: str | None = None) -> int:
    """How many deliveries of an announcement are still open (of one kind, if given)."""
    table = schema.delivery
    query = select(func.count()).where(table.c.announcement_id == id, table.c.state == "open")
    if kind is not None:
        query = query.where(table.c.kind == kind)
    with ledger.reading() as connection:
        return int(connection.execute(query).scalar_one())


def published_at(
    ledger: Ledger, id: str, channels: Sequence[str], awaited: Sequence[str]
) -> tuple[int, str | None]:
    """Open place deliveries on the `awaited` of these channels, and the address of a page that was seen to
    answer: that of the first channel that has one.
    """
    delivery, attempt = schema.delivery, schema.attempt
    with ledger.reading() as connection:
        waiting = connection.execute(
            select(func.count()).where(
                delivery.c.announcement_id == id,
                delivery.c.state == "open",
                delivery.c.kind == "place",
                delivery.c.lane.in_(awaited),
            )
        ).scalar_one()
        pages = connection.execute(
            select(attempt.c.channel, attempt.c.reference).where(
                attempt.c.announcement_id == id,
                attempt.c.channel.in_(channels),
                attempt.c.outcome == "delivered",
                attempt.c.reference.is_not(None),
            )
        ).all()
    first = min(pages, key=lambda row: channels.index(row.channel), default=None)
    return int(waiting), first.reference if first else None


def settle_if_done(ledger: Ledger, id: str, now: datetime) -> bool:
    """Mark the announcement settled if nothing of it is open any more."""
    if open_deliveries(ledger, id):
        return False
    table = schema.announcement
    with ledger.writing() as connection:
        connection.execute(
            update(table)
            .where(table.c.id == id, table.c.state.in_(("dispatching", "held", "scheduled")))
            .values(
                state=case((table.c.cancelled_at.is_(None), "settled"), else_="cancelled"),
                settled_at=func.coalesce(table.c.settled_at, literal(now, schema.Moment)),
            )
        )
    return True


def latest_entry(ledger: Ledger) -> datetime | None:
    """The newest moment the ledger knows: a clock behind it is wrong (a Raspberry Pi after a power cut)."""
    with ledger.reading() as connection:
        moments = [
            connection.execute(select(func.max(column))).scalar()
            for column in (
                schema.announcement.c.created_at,
                schema.announcement.c.settled_at,
                schema.breaker.c.seen_at,
            )
        ]
    return max((moment for moment in moments if moment), default=None)


@dataclass(slots=True)
class ChannelCount:
    """What one channel did for one announcement."""

    accepted: int = 0
    delivered: int = 0
    failed: int = 0
    unknown: int = 0
    begun: int = 0
    skipped: int = 0
    possible_duplicates: int = 0


@dataclass(slots=True)
class Counts:
    """Deliveries by state, attempts by channel, and how many recipients a fallback reached."""

    states: dict[str, int] = field(default_factory=dict)
    held: int = 0
    channels: dict[str, ChannelCount] = field(default_factory=dict)
    fallbacks: int = 0
    total: int = 0


def count(ledger: Ledger, id: str) -> Counts:
    """The figures of `status`, read in one snapshot."""
    delivery, attempt = schema.delivery, schema.attempt
    counts = Counts()
    with ledger.reading() as connection:
        states = select(delivery.c.state, delivery.c.why, func.count().label("n"))
        for row in connection.execute(
            # A place that catches up is no recipient more: whoever reads it may have been reached long ago.
            states.where(
                delivery.c.announcement_id == id, ~delivery.c.catch_up, delivery.c.amends.is_(None)
            ).group_by(delivery.c.state, delivery.c.why)
        ):
            counts.states[row.state] = counts.states.get(row.state, 0) + row.n
            counts.total += row.n
            if row.state == "open" and row.why in ("held", "quiet hours"):
                counts.held += row.n
        outcomes = select(
            attempt.c.channel,
            attempt.c.outcome,
            func.count().label("n"),
            func.sum(cast(attempt.c.possible_duplicate, Integer)).label("doubles"),
        )
        for row in connection.execute(
            outcomes.where(attempt.c.announcement_id == id).group_by(attempt.c.channel, attempt.c.outcome)
        ):
            channel = counts.channels.setdefault(row.channel, ChannelCount())
            setattr(channel, row.outcome, row.n)
            channel.possible_duplicates += row.doubles or 0
        # Of the few distinct route lists, those reached by another channel than the first.
        passed = select(
            delivery.c.via,
            delivery.c.skipped,
            func.count().label("n"),
        ).where(
            delivery.c.announcement_id == id,
            delivery.c.skipped.is_not(None),
            delivery.c.amends.is_(None),
        )
        for row in connection.execute(passed.group_by(delivery.c.via, delivery.c.skipped)):
            for name in filter(None, row.skipped.split(",")):
                counts.channels.setdefault(name, ChannelCount()).skipped += row.n
        fell = select(func.count()).where(
            delivery.c.announcement_id == id,
            delivery.c.state == "reached",
            delivery.c.fell_back,
            delivery.c.amends.is_(None),
        )
        counts.fallbacks = int(connection.execute(fell).scalar_one())
    return counts
