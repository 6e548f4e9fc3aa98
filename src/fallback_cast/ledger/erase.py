"""Erasing a person: open deliveries are cancelled, names and addresses go everywhere, figures stay.

What was held against their addresses stays as HMAC (ledger/suppress.py). An address that somebody else
has too is that one's: attempts on it stay as they are, but lose every tie to the erased person.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Text, cast, delete, func, literal, or_, select, update

from fallback_cast.ledger import schema
from fallback_cast.ledger.bulk import one_of, values
from fallback_cast.ledger.members import Member
from fallback_cast.ledger.open import Ledger
from fallback_cast.ledger.roster import remove_members
from fallback_cast.ledger.suppress import held

ERASED = "erased"  # in the place of a name
_TELLING = 6  # a shorter address is looked for in the addresses' own columns only, not inside texts


def erase_member(ledger: Ledger, member: Member, now: datetime) -> int:
    """Returns how many open deliveries were cancelled. Afterwards the file holds no byte of the person.

    Raises LedgerError; if the file is busy at the very end, everything is erased but its free space.
    """
    with ledger.writing() as connection:
        routes = _all_routes(connection, member)
        cancelled = _cancel(connection, member, now)
        remove_members(connection, [member])
        alone = [route for route in routes if not held(connection, route)]
        _blank_attempts(connection, member, alone)
        _blank_deliveries(connection, member)
        for channel, address in alone:
            _blank_texts(connection, channel, address)
    ledger.scrub()
    return cancelled


def _all_routes(connection: Connection, member: Member) -> list[tuple[str, str]]:
    """Their addresses of today, and those by which they were ever told; never a place."""
    routes = {route for route in member.addresses.items() if route[1] != "place"}
    table = schema.delivery
    kept = connection.execute(select(table.c.routes).where(table.c.member_id == member.id)).scalars()
    told = {(channel, address) for text in kept for channel, address in json.loads(text)}
    place_of = select(table.c.routes).where(table.c.kind != "member")
    places = {
        (channel, address)
        for text in connection.execute(place_of.distinct()).scalars()
        for channel, address in json.loads(text)
    }
    moved = schema.moved_address
    for row in connection.execute(select(moved)):
        if (row.channel, row.moved_to) in routes | told:
            told.add((row.channel, row.address))
    return sorted((routes | told) - places)


def _cancel(connection: Connection, member: Member, now: datetime) -> int:
    table = schema.delivery
    return connection.execute(
        update(table)
        .where(table.c.member_id == member.id, table.c.state == "open")
        .values(state="cancelled", closed_at=now, owner=None, waits_for=None, reasons=None)
    ).rowcount


def _blank_attempts(connection: Connection, member: Member, alone: Sequence[tuple[str, str]]) -> None:
    """The key too: who knows the announcement could try all telephone numbers against it."""
    table = schema.attempt
    ids = set(
        connection.execute(
            select(table.c.id, table.c.channel, table.c.address).where(one_of(table.c.address)),
            values({address for _, address in alone}),
        ).all()
    )
    mine = [id for id, channel, address in ids if (channel, address) in set(alone)]
    connection.execute(
        update(table)
        .where(one_of(table.c.id))
        .values(
            key=literal("erased-") + cast(table.c.id, Text),
            address="",
            reason="",
            note="",
            reference=None,
        ),
        values(mine),
    )


def _blank_deliveries(connection: Connection, member: Member) -> None:
    table = schema.delivery
    connection.execute(
        update(table)
        .where(table.c.member_id == member.id)
        .values(recipient=ERASED, routes="[]", reasons=json.dumps([ERASED]), timezone=None)
    )


def _blank_texts(connection: Connection, channel: str, address: str) -> None:
    """Providers' own words may quote an address."""
    moved = schema.moved_address
    connection.execute(
        delete(moved).where(
            moved.c.channel == channel, or_(moved.c.address == address, moved.c.moved_to == address)
        )
    )
    if len(address) < _TELLING:
        return
    quoting: Sequence[tuple[Any, Any]] = (
        (schema.attempt, schema.attempt.c.reason),
        (schema.attempt, schema.attempt.c.note),
        (schema.receipt, schema.receipt.c.detail),
        (schema.evidence, schema.evidence.c.detail),
        (schema.breaker, schema.breaker.c.reason),
        (schema.outage, schema.outage.c.reason),
        (schema.need, schema.need.c.detail),
        (schema.suppression, schema.suppression.c.evidence),
        (schema.delivery, schema.delivery.c.reasons),
    )
    for table, column in quoting:
        connection.execute(
            update(table)
            .where(func.instr(column, address) > 0)
            .values({column: func.replace(column, address, ERASED)})
        )
    pace = schema.pace
    connection.execute(delete(pace).where(func.instr(pace.c.key, address) > 0))
