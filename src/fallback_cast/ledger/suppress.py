"""Suppressions of people's addresses: ended by hand or by an edit, kept as HMAC of who has left."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, select, tuple_, update

from fallback_cast.ledger import schema
from fallback_cast.ledger.key import keyed, ledger_key
from fallback_cast.ledger.open import Ledger

KEYED = "hmac:"  # how the address of somebody who has left begins
_table = schema.suppression


def hidden_address(key: bytes, channel: str, address: str) -> str:
    """What stands for an address that is no longer kept."""
    return KEYED + keyed(key, f"{channel}\x1f{address}")


def forget_suppressed(connection: Connection, routes: Sequence[tuple[str, str]], *, edited: bool) -> None:
    """Nobody has these addresses any more, as `(channel, address)`; those that somebody has stay.

    After an edit a bounce has had its day. Whatever else was said of an address is kept as HMAC.
    """
    gone = [route for route in routes if not held(connection, route)]
    key = ledger_key(connection) if gone else b""
    for channel, address in gone:
        mine = _is(channel, address)
        if edited:
            connection.execute(delete(_table).where(mine, _table.c.ends_at.is_not(None)))
        hidden = hidden_address(key, channel, address)
        if connection.execute(select(_table.c.channel).where(_is(channel, hidden))).first():
            connection.execute(delete(_table).where(mine))
        # What a provider wrote about it may hold the address.
        connection.execute(update(_table).where(mine).values(address=hidden, evidence=""))


def held(connection: Connection, route: tuple[str, str]) -> bool:
    """Whether any member has this address."""
    table = schema.member_address
    query = select(table.c.member_id).where(table.c.address == route[1], table.c.channel == route[0])
    return connection.execute(query.limit(1)).first() is not None


def recall_suppressed(connection: Connection, routes: Sequence[tuple[str, str]]) -> None:
    """These addresses are known (again): what was kept of them as HMAC counts for them."""
    if (
        not routes
        or not connection.execute(select(exists().where(_table.c.address.like(f"{KEYED}%")))).scalar()
    ):
        return
    key = ledger_key(connection)
    by_hidden = {(channel, hidden_address(key, channel, a)): a for channel, a in routes}
    wanted = list(by_hidden)
    for start in range(0, len(wanted), 400):
        found = connection.execute(
            select(_table.c.channel, _table.c.address).where(
                tuple_(_table.c.channel, _table.c.address).in_(wanted[start : start + 400])
            )
        ).all()
        for channel, hidden in found:
            address = by_hidden[channel, hidden]
            if connection.execute(select(_table.c.cause).where(_is(channel, address))).first():
                connection.execute(delete(_table).where(_is(channel, address)))
            connection.execute(update(_table).where(_is(channel, hidden)).values(address=address))


def end_bounces(connection: Connection, routes: Sequence[tuple[str, str]]) -> None:
    """These addresses were just written anew: what ends by itself ends now; a complaint does not."""
    for channel, address in routes:
        connection.execute(delete(_table).where(_is(channel, address), _table.c.ends_at.is_not(None)))


def suppressions_of(ledger: Ledger, routes: Sequence[tuple[str, str]]) -> list[dict[str, object]]:
    """What is held against these addresses, also as HMAC."""
    with ledger.writing() as connection:
        key = ledger_key(connection)
        rows = []
        for channel, address in routes:
            for text in (address, hidden_address(key, channel, address)):
                found = connection.execute(select(_table).where(_is(channel, text))).mappings()
                rows += [dict(row) | {"address": address} for row in found]
    return rows


def unsuppress(ledger: Ledger, routes: Sequence[tuple[str, str]]) -> int:
    """Use these addresses again, whatever the cause was. Returns how many suppressions ended."""
    ended = 0
    with ledger.writing() as connection:
        key = ledger_key(connection)
        for channel, address in routes:
            for text in (address, hidden_address(key, channel, address)):
                ended += connection.execute(delete(_table).where(_is(channel, text))).rowcount
    return ended


def _is(channel: str, address: str) -> ColumnElement[bool]:
    return and_(_table.c.channel == channel, _table.c.address == address)
