"""Changing the list of members: who stays keeps the id by which open deliveries know them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, func, select, update

from fallback_cast.ledger import schema
from fallback_cast.ledger.bulk import execute, given, insert_or_change, one_of, values
from fallback_cast.ledger.members import Member, columns_of, insert_addresses, insert_members
from fallback_cast.ledger.open import Ledger
from fallback_cast.ledger.suppress import end_bounces, forget_suppressed, recall_suppressed


def add_members(connection: Connection, members: Sequence[Member], now: datetime) -> None:
    """Newcomers get ids that nobody had before: `retry` of an old announcement looks members up by
    id, and must never find somebody else.
    """
    first = _highest_id(connection) + 1
    insert_members(connection, list(enumerate(members, first)), now)
    recall_suppressed(connection, [route for m in members for route in m.addresses.items()])


def _highest_id(connection: Connection) -> int:
    """The highest one ever given: deliveries remember those of members who have left."""
    columns = (schema.member.c.id, schema.delivery.c.member_id)
    return max(int(connection.execute(select(func.max(column))).scalar() or 0) for column in columns)


_UPDATE = (
    update(schema.member)
    .where(schema.member.c.id == given(0))
    .values(
        name=given(1),
        language=given(2),
        groups=given(3),
        paused=given(4),
        paused_until=given(5),
        number=given(6),
        ranks=given(7),
        timezone=given(8),
    )
)


def change_members(connection: Connection, changes: Sequence[tuple[Member, Member]], now: datetime) -> None:
    """Each member as it was and as it is to be, under the same id."""
    execute(connection, _UPDATE, [(after.id, *columns_of(after)) for _, after in changes])
    old = [(b.id or 0, *pair) for b, a in changes for pair in b.addresses.items() - a.addresses.items()]
    new = [(b.id or 0, *pair) for b, a in changes for pair in a.addresses.items() - b.addresses.items()]
    _remove_addresses(connection, old)
    insert_addresses(connection, new)
    for before, after in changes:
        _note_consents(connection, before, after, now)
    forget_suppressed(connection, [(channel, address) for _, channel, address in old], edited=True)
    routes = [(channel, address) for _, channel, address in new]
    recall_suppressed(connection, routes)
    end_bounces(connection, routes)


def _remove_addresses(connection: Connection, rows: Sequence[tuple[int, str, str]]) -> None:
    table = schema.member_address
    if rows:
        wanted = (table.c.member_id == bindparam("the_id")) & (table.c.channel == bindparam("the_channel"))
        gone = [{"the_id": id, "the_channel": channel} for id, channel, _ in rows]
        connection.execute(delete(table).where(wanted), gone)


def _note_consents(connection: Connection, before: Member, after: Member, now: datetime) -> None:
    """What was said before keeps its date."""
    table = schema.member_consent
    for channel in before.consents.keys() - after.consents.keys():
        mine = (table.c.member_id == after.id) & (table.c.channel == channel)
        connection.execute(delete(table).where(mine))
    for channel, yes in after.consents.items() - before.consents.items():
        statement = insert_or_change(connection, table).values(
            member_id=after.id, channel=channel, given=yes, since=now
        )
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["member_id", "channel"], set_={"given": yes, "since": now}
            )
        )


def remove_members(connection: Connection, members: Sequence[Member]) -> None:
    """They have left: their contacts go at once, suppressions stay as HMAC."""
    ids = [member.id or 0 for member in members]
    connection.execute(delete(schema.member).where(one_of(schema.member.c.id)), values(ids))
    routes = [route for member in members for route in member.addresses.items()]
    forget_suppressed(connection, routes, edited=False)


def pause_member(ledger: Ledger, id: int, paused: bool, until: str | None) -> None:
    """Nothing goes to this member, until the end of a day (2026-12-31) or for good; or again."""
    table = schema.member
    with ledger.writing() as connection:
        statement = update(table).where(table.c.id == id)
        connection.execute(statement.values(paused=paused, paused_until=until if paused else None))
