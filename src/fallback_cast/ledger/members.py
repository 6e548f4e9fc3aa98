"""The members and their addresses, read in pages."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from sqlalchemy import delete, func, insert, select

from fallback_cast.ledger import schema
from fallback_cast.ledger.bulk import in_one
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
    people = select(member.c.id, member.c.name, member.c.language, member.c.groups, member.c.paused).where(
        member.c.id > after
    )
    people = people.order_by(member.c.id).limit(PAGE)
    with ledger.reading() as connection:
        rows = json.loads(connection.execute(in_one(people.subquery())).scalar_one())
        if not rows:
            return []
        theirs = select(address.c.member_id, address.c.channel, address.c.address).where(
            address.c.member_id.between(rows[0][0], rows[-1][0])
        )
        by_member: dict[int, dict[str, str]] = {}
        for id, channel, text in json.loads(connection.execute(in_one(theirs.subquery())).scalar_one()):
            by_member.setdefault(id, {})[channel] = text
    return [
        Member(
            name=name,
            addresses=by_member.get(id, {}),
            id=id,
            language=language,
            groups=tuple(filter(None, groups.split(","))) if groups else (),
            paused=bool(paused),
        )
        for id, name, language, groups, paused in rows
    ]
