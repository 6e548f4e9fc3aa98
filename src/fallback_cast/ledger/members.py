"""The members and their addresses, read in pages."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Select, delete, func, insert, select

from fallback_cast.ledger import schema
from fallback_cast.ledger.bulk import execute, given, in_one
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
    paused_until: str | None = None  # the last day, 2026-12-31; without it a pause is for good
    number: str | None = None  # the club's own: a licence, a membership number
    ranks: tuple[str, ...] = ()  # channels in the member's own order
    timezone: str | None = None
    consents: Mapping[str, bool] = field(default_factory=dict)  # by channel; nothing said: not in it

    def paused_on(self, day: str) -> bool:
        """Whether nothing goes to this member on a day (2026-12-31)."""
        return self.paused and (self.paused_until is None or day <= self.paused_until)

    @property
    def refused(self) -> frozenset[str]:
        """The channels that this member does not consent to."""
        return frozenset(channel for channel, given in self.consents.items() if not given)


def replace_members(ledger: Ledger, members: Iterable[Member], now: datetime) -> int:
    """Make these the members, all or nothing. Returns how many there are."""
    total = 0
    with ledger.writing() as connection:
        connection.execute(delete(schema.member))  # what hangs on them goes with them
        iterator = iter(members)
        while page := list(islice(iterator, PAGE)):
            insert_members(connection, list(enumerate(page, total + 1)), now)
            total += len(page)
    return total


_COLUMNS = (
    "id",
    "name",
    "language",
    "groups",
    "paused",
    "paused_until",
    "number",
    "ranks",
    "timezone",
    "created_at",
)
_INSERT = insert(schema.member).from_select(_COLUMNS, select(*map(given, range(len(_COLUMNS)))))
_INSERT_ADDRESS = insert(schema.member_address).from_select(
    ("member_id", "channel", "address"), select(*map(given, range(3)))
)
_INSERT_CONSENT = insert(schema.member_consent).from_select(
    ("member_id", "channel", "given", "since"), select(*map(given, range(4)))
)


def insert_members(connection: Connection, members: Sequence[tuple[int, Member]], now: datetime) -> None:
    """Newcomers, each with the id that is to be theirs."""
    execute(connection, _INSERT, [(id, *columns_of(member), now) for id, member in members])
    insert_addresses(connection, [(id, *pair) for id, m in members for pair in m.addresses.items()])
    consents = [(id, *pair, now) for id, m in members for pair in m.consents.items()]
    if consents:
        execute(connection, _INSERT_CONSENT, consents)


def insert_addresses(connection: Connection, rows: Sequence[tuple[int, str, str]]) -> None:
    if rows:
        execute(connection, _INSERT_ADDRESS, rows)


def columns_of(member: Member) -> tuple[object, ...]:
    """What stands in the member's own row, in the order of _COLUMNS, without id and birth of the row."""
    return (
        member.name,
        member.language,
        ",".join(member.groups),
        member.paused,
        member.paused_until,
        member.number,
        ",".join(member.ranks),
        member.timezone,
    )


def count_members(ledger: Ledger) -> int:
    with ledger.reading() as connection:
        return int(connection.execute(select(func.count()).select_from(schema.member)).scalar_one())


def each_member(ledger: Ledger) -> Iterator[Member]:
    """All members in order of entry; memory holds one page of them."""
    last = 0
    while True:
        with ledger.reading() as connection:
            page = page_of_members(connection, last)
        yield from page
        if len(page) < PAGE:
            return
        last = page[-1].id or 0


_people = schema.member.c
_PERSON = select(
    _people.id,
    _people.name,
    _people.language,
    _people.groups,
    _people.paused,
    _people.paused_until,
    _people.number,
    _people.ranks,
    _people.timezone,
).order_by(_people.id)


def page_of_members(connection: Connection, after: int) -> list[Member]:
    """The next PAGE members after this id."""
    return _whole(connection, _PERSON.where(_people.id > after).limit(PAGE))


def members_by_id(connection: Connection, ids: Sequence[int]) -> dict[int, Member]:
    """These members, at most a page of them."""
    return {m.id or 0: m for m in _whole(connection, _PERSON.where(_people.id.in_(ids)))}


def find_members(ledger: Ledger, given: str, spellings: Mapping[str, str]) -> list[Member]:
    """Whom an organiser means: by number, ledger id, name, or an address as each channel spells it."""
    table, address = schema.member, schema.member_address
    wanted = [table.c.number == given, func.lower(table.c.name) == given.lower(), table.c.name == given]
    if given.isdecimal() and len(given) < 10:
        wanted.append(table.c.id == int(given))
    for channel, text in spellings.items():
        owners = select(address.c.member_id).where(address.c.channel == channel, address.c.address == text)
        wanted.append(table.c.id.in_(owners))
    with ledger.reading() as connection:
        for condition in wanted:  # the surest way first
            found = _whole(connection, _PERSON.where(condition).limit(PAGE))
            if found:
                return found
    return []


def _whole(connection: Connection, people: Select[Any]) -> list[Member]:
    rows = json.loads(connection.execute(in_one(people.subquery())).scalar_one())
    if not rows:
        return []
    ids = people.with_only_columns(schema.member.c.id).subquery()
    addresses: dict[int, dict[str, str]] = {}
    table = schema.member_address
    theirs = select(table.c.member_id, table.c.channel, table.c.address)
    theirs = theirs.where(table.c.member_id.in_(select(ids.c.id)))
    for id, channel, text in json.loads(connection.execute(in_one(theirs.subquery())).scalar_one()):
        addresses.setdefault(id, {})[channel] = text
    consents: dict[int, dict[str, bool]] = {}
    said = schema.member_consent
    query = select(said.c.member_id, said.c.channel, said.c.given)
    query = query.where(said.c.member_id.in_(select(ids.c.id)))
    for id, channel, yes in json.loads(connection.execute(in_one(query.subquery())).scalar_one()):
        consents.setdefault(id, {})[channel] = bool(yes)
    return [
        Member(
            name=name,
            addresses=addresses.get(id, {}),
            id=id,
            language=language,
            groups=_words(groups),
            paused=bool(paused),
            paused_until=paused_until,
            number=number,
            ranks=_words(ranks),
            timezone=timezone,
            consents=consents.get(id, {}),
        )
        for id, name, language, groups, paused, paused_until, number, ranks, timezone in rows
    ]


def _words(text: str | None) -> tuple[str, ...]:
    return tuple(text.split(",")) if text else ()
