"""What a plan must know of addresses before anything is stored: which are shared, which are suppressed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import func, select

from fallback_cast.ledger import schema
from fallback_cast.ledger.open import Ledger
from fallback_cast.model.delivery import Route


def shared_addresses(ledger: Ledger) -> Iterator[Route]:
    """Addresses that more than one member has: a couple's mailbox, a parent's telephone."""
    table = schema.member_address
    query = (
        select(table.c.channel, table.c.address)
        .group_by(table.c.channel, table.c.address)
        .having(func.count() > 1)
    )
    with ledger.reading() as connection:
        for row in connection.execute(query):
            yield Route(row.channel, row.address)


def suppressed_addresses(ledger: Ledger, now: datetime) -> Iterator[Route]:
    """Addresses that are not used at this moment."""
    table = schema.suppression
    query = select(table.c.channel, table.c.address).where(
        (table.c.ends_at.is_(None)) | (table.c.ends_at > now)
    )
    with ledger.reading() as connection:
        for row in connection.execute(query):
            yield Route(row.channel, row.address)
