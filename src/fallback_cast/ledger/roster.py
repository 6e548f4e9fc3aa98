"""Changing the list of members: who stays keeps the id by which open deliveries know them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from fallback_cast.ledger import schema
from fallback_cast.ledger.members import Member
from fallback_cast.ledger.open import Ledger


@dataclass(frozen=True, slots=True)
class RosterChange:
    """What is to become of the list. `changed` and `removed` have the ids of the ledger."""

    added: Sequence[Member] = ()
    changed: Sequence[Member] = ()
    removed: Sequence[Member] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed)


def change_members(ledger: Ledger, change: RosterChange, now: datetime) -> None:
    """Make the change, all or nothing. Raises LedgerError.

    A newcomer gets an id that nobody had before: `retry` of an old announcement looks members up by
    id, and must never find somebody else.
    """
    with ledger.writing() as connection:
        _forget_addresses(connection, [*change.changed, *change.removed])
        _remove(connection, change.removed)
        _update(connection, change.changed)
        first = _highest_id(connection) + 1
        added = [(id, member) for id, member in enumerate(change.added, first)]
        _insert(connection, added, now)
        _note_addresses(connection, [*added, *((member.id or 0, member) for member in change.changed)])


def _highest_id(connection: Connection) -> int:
    """The highest one ever given: deliveries remember those of members who have left."""
    columns = (schema.member.c.id, schema.delivery.c.member_id)
    return max(int(connection.execute(select(func.max(column))).scalar() or 0) for column in columns)


def _forget_addresses(connection: Connection, members: Sequence[Member]) -> None:
    table = schema.member_address
    if members:
        wanted = table.c.member_id == bindparam("the_id")
        connection.execute(delete(table).where(wanted), [{"the_id": member.id} for member in members])


def _remove(connection: Connection, members: Sequence[Member]) -> None:
    if members:
        wanted = schema.member.c.id == bindparam("the_id")
        connection.execute(delete(schema.member).where(wanted), [{"the_id": member.id} for member in members])


def _update(connection: Connection, members: Sequence[Member]) -> None:
    if members:
        statement = (
            update(schema.member)
            .where(schema.member.c.id == bindparam("the_id"))
            .values(name=bindparam("the_name"), language=bindparam("spoken"), groups=bindparam("in_groups"))
        )
        connection.execute(
            statement,
            [
                {
                    "the_id": member.id,
                    "the_name": member.name,
                    "spoken": member.language,
                    "in_groups": ",".join(member.groups),
                }
                for member in members
            ],
        )


def _insert(connection: Connection, members: Sequence[tuple[int, Member]], now: datetime) -> None:
    if members:
        rows = [
            {
                "id": id,
                "name": member.name,
                "language": member.language,
                "groups": ",".join(member.groups),
                "paused": member.paused,
                "created_at": now,
            }
            for id, member in members
        ]
        connection.execute(insert(schema.member), rows)


def _note_addresses(connection: Connection, members: Sequence[tuple[int, Member]]) -> None:
    rows = [
        {"member_id": id, "channel": channel, "address": address}
        for id, member in members
        for channel, address in member.addresses.items()
    ]
    if rows:
        connection.execute(insert(schema.member_address), rows)
