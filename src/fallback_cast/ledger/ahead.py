"""What a plan must know of addresses before anything is stored: which are shared, which are suppressed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import select

from fallback_cast.ledger import schema
from fallback_cast.ledger.open import Ledger
from fallback_cast.model.delivery import Route

BITS = 1 << 23
PAGE = 1000


def shared_addresses(ledger: Ledger) -> Iterator[Route]:
    """Addresses that more than one member has (a couple's mailbox, a parent's telephone), and now and then
    another one: a bit of a megabyte stands for each address, so that memory does not grow with them.
    """
    table, seen = schema.member_address, bytearray(BITS // 8)
    with ledger.reading() as connection:
        rows = connection.execution_options(yield_per=PAGE).execute(select(table.c.channel, table.c.address))
        for channel, address in rows:
            place, bit = divmod(hash((channel, address)) % BITS, 8)
            if seen[place] >> bit & 1:
                yield Route(channel, address)
            seen[place] |= 1 << bit


def suppressed_addresses(ledger: Ledger, now: datetime) -> Iterator[Route]:
    """Addresses that are not used at this moment."""
    table = schema.suppression
    query = select(table.c.channel, table.c.address).where(
        (table.c.ends_at.is_(None)) | (table.c.ends_at > now)
    )
    with ledger.reading() as connection:
        for row in connection.execute(query):
            yield Route(row.channel, row.address)
