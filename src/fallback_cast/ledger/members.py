"""The members and their addresses, read in pages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from sqlalchemy import delete, func, insert, select

from fallback_cast.ledger import schema
from fallback_cast.ledger.open import Ledger

PAGE = 1000


@dataclass(frozen=True, slots=True)
class Member:
    """A person with at most one address on each channel, as `{channel: normalised address}`."""

    name: str
    addresses: Mapping[str, str]
    id: int | None = None
    language: str | None = None
    groups: tuple[str, ...] = field(default=())
    paused: bool = False


def replace_members(ledger: Ledger, members: Iterable[Member], now: datetime) -> int:
    """Make these the members, all or nothing. Returns how many there are."""
    total = 0
    with ledger.writing() as connection:
        connection.execute(delete(schema.member_address))
        connection.execute(delete(schema.member))
        iterator = iter(members)
        while page := list(islice(iterator, PAGE)):
            ids = range(total + 1, total + len(page) + 1)
            connection.execute(
                insert(schema.member),
                [
                    {
                        "id": id,
                        "name": member.name,
                        "language": member.language,
                        "groups": ",".join(member.groups),
                        "paused": member.paused,
                        "created_at": now,
                    }
                    for id, member in zip(ids, page, strict=True)
                ],
            )
            addresses = [
                {"member_id": id, "channel": channel, "address": address}
                for id, member in zip(ids, page, strict=True)
                for channel, address in member.addresses.items()
            ]
            if addresses:
                connection.execute(insert(schema.member_address), addresses)
            total += len(page)
    return total


def count_members(ledger: Ledger) -> int:
    with ledger.reading() as connection:
        return int(connection.execute(select(func.count()).select_from(schema.member)).scalar_one())


def each_member(ledger: Ledger) -> Iterator[Member]:
    """All members in order of entry; memory holds one page of them."""
    last = 0
    while True:
        page = _page(ledger, last)
        yield from page
        if len(page) < PAGE:
            return
        last = page[-1].id or 0


def _page(ledger: Ledger, after: int) -> list[Member]:
    member, address = schema.member, schema.member_address
    with ledger.reading() as connection:
        rows = connection.execute(
            select(member).where(member.c.id > after).order_by(member.c.id).limit(PAGE)
        ).all()
        if not rows:
            return []
        wanted = select(address).where(address.c.member_id.between(rows[0].id, rows[-1].id))
        by_member: dict[int, dict[str, str]] = {}
        for row in connection.execute(wanted):
            by_member.setdefault(row.member_id, {})[row.channel] = row.address
    return [
        Member(
            name=row.name,
            addresses=by_member.get(row.id, {}),
            id=row.id,
            language=row.language,
            groups=tuple(filter(None, row.groups.split(","))),
            paused=row.paused,
        )
        for row in rows
    ]
