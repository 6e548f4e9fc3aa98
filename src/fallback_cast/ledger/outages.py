"""Outages on record: what was down, from when to when, what it cost, and whether organisers know of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, func, insert, or_, select, update

from fallback_cast.ledger import schema
from fallback_cast.ledger.announce import PlannedDelivery, write_announcement
from fallback_cast.ledger.open import Ledger
from fallback_cast.model.announcement import Announcement
from fallback_cast.model.errors import Layer
from fallback_cast.model.health import Signal
from fallback_cast.model.outages import FAILURES, Cost, Need, Outage, Seen

_outage, _need = schema.outage, schema.need
EVIDENCE_KEPT = timedelta(days=90)
BEFORE = timedelta(minutes=15)  # the evidence that led to an outage is at most so much older

_COLUMNS = (
    _outage.c.id,
    _outage.c.channel,
    _outage.c.provider,
    _outage.c.began_at,
    _outage.c.ended_at,
    _outage.c.layer,
    _outage.c.reason,
    _outage.c.configuration,
    _outage.c.told_down_at,
    _outage.c.told_back_at,
)


def outages_since(ledger: Ledger, since: datetime, channels: Collection[str] = ()) -> list[Outage]:
    """Those that were on at that moment or began after it, the oldest first."""
    query = select(*_COLUMNS).where(or_(_outage.c.ended_at.is_(None), _outage.c.ended_at >= since))
    if channels:
        query = query.where(_outage.c.channel.in_(channels))
    with ledger.reading() as connection:
        return _outages(connection, query.order_by(_outage.c.began_at, _outage.c.id))


def _outages(connection: Connection, query: object) -> list[Outage]:
    rows = connection.execute(query).all()  # type: ignore[call-overload]
    return [Outage(**{**row._mapping, "layer": Layer(row.layer) if row.layer else None}) for row in rows]


def tidy(ledger: Ledger, known: Collection[tuple[str, str]], now: datetime) -> None:
    """Providers that are in the settings no more have no outage: nobody looks at them again. Evidence
    is kept for 90 days; outages stay.
    """
    with ledger.writing() as connection:
        connection.execute(delete(schema.evidence).where(schema.evidence.c.at < now - EVIDENCE_KEPT))
        for outage in _outages(connection, select(*_COLUMNS).where(_outage.c.ended_at.is_(None))):
            if (outage.channel, outage.provider) not in known:
                connection.execute(
                    update(_outage)
                    .where(_outage.c.id == outage.id)
                    .values(ended_at=now, told_down_at=now, told_back_at=now)
                )


# -- what organisers must know -------------------------------------------------------------------

Notice = tuple[Announcement, Sequence[PlannedDelivery]]


def keep_needs(
    ledger: Ledger, found: Iterable[Need], looked_at: Collection[tuple[str, str]], now: datetime
) -> None:
    """Remember what needs an organiser; forget what does no more, so that it is told again next time."""
    wanted = {(need.channel, need.provider, need.what): need for need in found}
    with ledger.writing() as connection:
        known = {(row.channel, row.provider, row.what) for row in connection.execute(select(_need))}
        for key in known - wanted.keys():
            if key[:2] in looked_at:
                connection.execute(delete(_need).where(_is(key)))
        for key, need in wanted.items():
            if key in known:
                connection.execute(update(_need).where(_is(key)).values(detail=need.detail))
            else:
                row = {"channel": key[0], "provider": key[1], "what": key[2], "detail": need.detail}
                connection.execute(insert(_need).values(**row, since=now))


def _is(key: tuple[str, str, str]) -> ColumnElement[bool]:
    return and_(_need.c.channel == key[0], _need.c.provider == key[1], _need.c.what == key[2])


def needs(ledger: Ledger) -> list[Need]:
    """What waits for an organiser now."""
    with ledger.reading() as connection:
        rows = connection.execute(select(_need).order_by(_need.c.since)).all()
    return [Need(row.channel, row.provider, row.what, row.detail) for row in rows]


def store_notice(
    ledger: Ledger,
    write: Callable[[Sequence[Outage], Sequence[Need]], Notice | None],
    now: datetime,
) -> str | None:
    """What organisers have not been told yet becomes one notice; returns its id.

    `write` makes the announcement of the changes, or returns None if they are no news to anybody. Marks
    and notice are written in one transaction: each change is told once, whichever process found it.
    """
    untold = or_(
        _outage.c.told_down_at.is_(None),
        and_(_outage.c.ended_at.is_not(None), _outage.c.told_back_at.is_(None)),
    )
    with ledger.writing() as connection:
        changed = _outages(connection, select(*_COLUMNS).where(untold).order_by(_outage.c.began_at))
        rows = connection.execute(
            select(_need).where(_need.c.told_at.is_(None)).order_by(_need.c.since)
        ).all()
        wanted = [Need(row.channel, row.provider, row.what, row.detail) for row in rows]
        if not changed and not wanted:
            return None
        notice = write(changed, wanted)
        _mark_told(connection, changed, wanted, now)
        if notice is None:
            return None
        announcement, deliveries = notice
        write_announcement(connection, announcement, deliveries, now, notice=True)
    return announcement.id


def _mark_told(
    connection: Connection, changed: Sequence[Outage], wanted: Sequence[Need], now: datetime
) -> None:
    ids, ended = [outage.id for outage in changed], [o.id for o in changed if o.ended_at]
    fresh = _outage.c.told_down_at.is_(None)
    connection.execute(update(_outage).where(_outage.c.id.in_(ids), fresh).values(told_down_at=now))
    connection.execute(update(_outage).where(_outage.c.id.in_(ended)).values(told_back_at=now))
    for need in wanted:
        key = (need.channel, need.provider, need.what)
        connection.execute(update(_need).where(_is(key)).values(told_at=now))


# -- what it was like ----------------------------------------------------------------------------


def cost(ledger: Ledger, outage: Outage, now: datetime) -> Cost:
    """How many messages went by another channel because of it, and how many waited for its end."""
    d, a = schema.delivery, schema.attempt
    end = outage.ended_at or now
    failed = exists().where(
        a.c.delivery_id == d.c.id,
        a.c.channel == outage.channel,
        a.c.outcome.in_(("failed", "unknown")),
        a.c.begun_at >= outage.began_at - BEFORE,
    )
    passed_over = ("," + d.c.skipped + ",").contains(f",{outage.channel},", autoescape=True)
    fell_back = (d.c.fell_back, d.c.closed_at >= outage.began_at, d.c.closed_at <= end, passed_over | failed)
    until_the_end = and_(d.c.via == outage.channel, d.c.opened_at < end, d.c.closed_at >= end)
    stands = and_(d.c.state == "open", d.c.lane == outage.channel, d.c.why.in_(("retry", "held")))
    waited = (~d.c.catch_up, until_the_end if outage.ended_at else stands)
    notices = select(schema.announcement.c.id).where(schema.announcement.c.notice)
    messages = select(func.count()).select_from(d).where(d.c.announcement_id.not_in(notices))
    with ledger.reading() as connection:
        return Cost(
            fell_back=int(connection.execute(messages.where(*fell_back)).scalar_one()),
            waited=int(connection.execute(messages.where(*waited)).scalar_one()),
        )


def failed_signals(ledger: Ledger, outage: Outage) -> dict[str, int]:
    """How many probes and how many sends (by these words) spoke for the outage."""
    e = schema.evidence
    query = (
        select(e.c.source, func.count().label("n"))
        .where(e.c.channel == outage.channel, e.c.provider == outage.provider)
        .where(e.c.at >= outage.began_at - BEFORE, e.c.signal.in_(FAILURES))
        .group_by(e.c.source)
    )
    if outage.ended_at:
        query = query.where(e.c.at <= outage.ended_at)
    with ledger.reading() as connection:
        return {row.source: int(row.n) for row in connection.execute(query)}


def seen_since(ledger: Ledger, since: datetime, channels: Collection[str] = ()) -> list[Seen]:
    """Whether each channel was seen to work, the oldest word first; for the picture."""
    e = schema.evidence
    query = select(e.c.channel, e.c.at, e.c.signal).where(
        e.c.at >= since, e.c.channel != "", e.c.signal.in_((Signal.GOOD.value, *FAILURES))
    )
    if channels:
        query = query.where(e.c.channel.in_(channels))
    with ledger.reading() as connection:
        rows = connection.execute(query.order_by(e.c.at)).all()
    return [Seen(row.channel, row.at, row.signal == Signal.GOOD) for row in rows]
