"""A list of members that is about to come in: kept aside, told apart from who is known, then applied.

The rows lie in temporary tables on disk, so that memory does not grow with them and nobody's writing
waits while a file is read. Who is who (the first that fits): the same number; the same in all that the
file says; the same name and an address in common; an address that nobody else has; the same name.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, text

from fallback_cast.ledger import recognise as sql
from fallback_cast.ledger.members import PAGE, Member, members_by_id, page_of_members
from fallback_cast.ledger.open import Ledger
from fallback_cast.ledger.roster import add_members, change_members, remove_members

FIELDS = frozenset({"name", "number", "language", "groups", "ranks", "timezone", "paused", "paused_until"})


@dataclass(frozen=True, slots=True)
class Columns:
    """What a file speaks of; whatever it has no column for stays as it is."""

    fields: frozenset[str] = FIELDS
    addresses: frozenset[str] = frozenset()
    consents: frozenset[str] = frozenset()

    def digest(self, member: Member) -> bytes:
        """The same for two members of whom this file would say the same."""
        facts = [getattr(member, name) for name in sorted(self.fields)]
        facts.append(sorted(pair for pair in member.addresses.items() if pair[0] in self.addresses))
        facts.append(sorted(pair for pair in member.consents.items() if pair[0] in self.consents))
        return hashlib.blake2b(json.dumps(facts).encode(), digest_size=16).digest()

    def over(self, old: Member, new: Member) -> Member:
        """A member as it is, with what the file says."""
        addresses = {c: a for c, a in old.addresses.items() if c not in self.addresses}
        consents = {c: a for c, a in old.consents.items() if c not in self.consents}
        return replace(
            old,
            addresses=addresses | dict(new.addresses),
            consents=consents | dict(new.consents),
            **{name: getattr(new, name) for name in self.fields},
        )


@dataclass(frozen=True, slots=True)
class Counts:
    added: int
    changed: int
    removed: int
    unchanged: int


@contextmanager
def incoming(ledger: Ledger, columns: Columns) -> Iterator[Incoming]:
    """Room for a list of members beside the ledger, empty at first and gone at the end."""
    with ledger.aside() as connection:
        with connection.begin():
            for statement in sql.CREATE:
                connection.execute(text(statement))
        yield Incoming(ledger, connection, columns)


class Incoming:
    """`add` all, then `recognise`, then look at it or `apply` it."""

    def __init__(self, ledger: Ledger, connection: Connection, columns: Columns) -> None:
        self._ledger = ledger
        self._connection = connection
        self._columns = columns

    def add(self, rows: Sequence[tuple[int, Member]]) -> None:
        """Members with the lines they stand on."""
        with self._connection.begin():
            people = [
                {
                    "line": line,
                    "number": member.number,
                    "name": member.name,
                    "facts": _to_json(member),
                    "digest": self._columns.digest(member),
                }
                for line, member in rows
            ]
            if people:
                self._connection.execute(text(sql.ADD), people)
            addresses = [
                {"line": line, "channel": channel, "address": address}
                for line, member in rows
                for channel, address in member.addresses.items()
                if address != "place"  # nobody is known by reading what all can read
            ]
            if addresses:
                self._connection.execute(text(sql.ADD_ADDRESS), addresses)

    def repeated(self) -> list[tuple[int, int, bool]]:
        """(line, earlier line, whether it is but the number that is the same)."""
        with self._connection.begin():
            rows = self._connection.execute(text(sql.REPEATED)).all()
            numbers = self._connection.execute(text(sql.REPEATED_NUMBER)).all()
        same = [(line, first, False) for line, first in rows]
        known = {line for line, _, _ in same}
        return sorted(same + [(line, first, True) for line, first in numbers if line not in known])

    def drop(self, lines: Sequence[int]) -> None:
        """Leave these lines out."""
        with self._connection.begin():
            for statement in sql.DROP if lines else ():
                self._connection.execute(text(statement), [{"line": line} for line in lines])

    def recognise(self) -> Counts:
        """Find out who of them is known; nothing of the ledger is changed."""
        with self._connection.begin():
            self._know_members()
            for statement in sql.BY_NUMBER, sql.THE_SAME:
                self._connection.execute(text(statement))
            while self._changes(sql.BY_NAME_AND_ADDRESS):
                pass  # each round settles at least the first pair that is left
            for statement in sql.BY_ADDRESS, sql.BY_NAME:
                self._connection.execute(text(statement))
            return Counts(*self._connection.execute(text(sql.COUNT)).one())

    def _changes(self, statement: str) -> int:
        """How many rows it changed; the driver does not count where a statement begins with WITH."""
        self._connection.execute(text(statement))
        return int(self._connection.execute(text(sql.CHANGES)).scalar_one())

    def _know_members(self) -> None:
        last = 0
        while page := page_of_members(self._connection, last):
            rows = [
                {"id": m.id, "number": m.number, "name": m.name, "digest": self._columns.digest(m)}
                for m in page
            ]
            self._connection.execute(text(sql.KNOW), rows)
            last = page[-1].id or 0

    def added(self) -> Iterator[Member]:
        for page in self._pages(sql.ADDED):
            yield from (_from_json(facts) for _, facts, _ in page)

    def changed(self) -> Iterator[tuple[Member, Member]]:
        """Each as it is and as it would be."""
        for page in self._pages(sql.CHANGED):
            yield from self._pairs(page)

    def removed(self) -> Iterator[Member]:
        """Who is not in the file."""
        for ids in self._pages(sql.REMOVED):
            yield from self._members([id for id, *_ in ids]).values()

    def apply(self, now: datetime, *, remove: bool = False) -> None:
        """Make the change, all or nothing. Raises LedgerError."""
        self._connection.execution_options(ledger_reading=False)
        with self._connection.begin():
            if remove:
                for ids in self._each(sql.REMOVED):
                    people = members_by_id(self._connection, [id for id, *_ in ids])
                    remove_members(self._connection, list(people.values()))
            for page in self._each(sql.CHANGED):
                change_members(self._connection, self._pairs_of(page), now)
            for page in self._each(sql.ADDED):
                add_members(self._connection, [_from_json(facts) for _, facts, _ in page], now)
        self._connection.execution_options(ledger_reading=True)

    def _pages(self, query: str) -> Iterator[list[tuple[int, str, int]]]:
        """Pages read each in a moment of its own: whoever reads them may take long."""
        last = 0
        while True:
            with self._connection.begin():
                page = self._page(query, last)
            if not page:
                return
            yield page
            last = page[-1][0]

    def _each(self, query: str) -> Iterator[list[tuple[int, str, int]]]:
        """Pages within the transaction at hand."""
        last = 0
        while page := self._page(query, last):
            yield page
            last = page[-1][0]

    def _page(self, query: str, last: int) -> list[tuple[int, str, int]]:
        rows = self._connection.execute(text(query), {"last": last, "page": PAGE})
        return [tuple(row) for row in rows]

    def _members(self, ids: Sequence[int]) -> dict[int, Member]:
        with self._connection.begin():
            return members_by_id(self._connection, ids)

    def _pairs(self, page: Sequence[tuple[int, str, int]]) -> list[tuple[Member, Member]]:
        with self._connection.begin():
            return self._pairs_of(page)

    def _pairs_of(self, page: Sequence[tuple[int, str, int]]) -> list[tuple[Member, Member]]:
        known = members_by_id(self._connection, [id for _, _, id in page])
        return [
            (known[id], self._columns.over(known[id], _from_json(facts)))
            for _, facts, id in page
            if id in known
        ]


def _to_json(member: Member) -> str:
    facts = {name: getattr(member, name) for name in FIELDS}
    facts |= {"addresses": dict(member.addresses), "consents": dict(member.consents)}
    return json.dumps(facts, ensure_ascii=False)


def _from_json(facts: str) -> Member:
    found = json.loads(facts)
    found["groups"], found["ranks"] = tuple(found["groups"]), tuple(found["ranks"])
    return Member(**found)
