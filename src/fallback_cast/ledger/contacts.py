"""How people can be reached by hand: today's addresses of some members."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select

from fallback_cast.ledger import schema
from fallback_cast.ledger.bulk import one_of, values
from fallback_cast.ledger.open import Ledger
from fallback_cast.model.delivery import Route


def addresses_of(ledger: Ledger, members: Iterable[int]) -> dict[int, list[Route]]:
    """Their addresses by member id; who has left the list is missing."""
    member, address = schema.member, schema.member_address
    query = (
        select(member.c.id, address.c.channel, address.c.address)
        .outerjoin(address, address.c.member_id == member.c.id)
        .where(one_of(member.c.id))
    )
    found: dict[int, list[Route]] = {}
    with ledger.reading() as connection:
        for id, channel, text in connection.execute(query, values(members)):
            theirs = found.setdefault(id, [])
            if channel is not None:
                theirs.append(Route(channel, text))
    return found
