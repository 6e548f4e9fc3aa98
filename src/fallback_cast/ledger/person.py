"""All that the ledger holds on one person: their row, and every row that names them or their addresses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, select

from fallback_cast.ledger import schema
from fallback_cast.ledger.bulk import one_of, values
from fallback_cast.ledger.members import Member
from fallback_cast.ledger.open import Ledger
from fallback_cast.ledger.suppress import suppressions_of
from fallback_cast.model.message import idempotency_key


@dataclass(frozen=True, slots=True)
class Dossier:
    """Rows as plain mappings, moments as datetimes."""

    member: Mapping[str, Any]
    consents: list[dict[str, Any]]
    suppressions: list[dict[str, Any]]
    deliveries: list[dict[str, Any]]
    moved: list[dict[str, Any]]


def dossier(ledger: Ledger, member: Member) -> Dossier:
    """Everything, for the person to read (GDPR article 15)."""
    with ledger.reading() as connection:
        consents = _rows(connection, schema.member_consent, schema.member_consent.c.member_id == member.id)
        moved = [
            row
            for row in _rows(
                connection,
                schema.moved_address,
                one_of(schema.moved_address.c.moved_to),
                member.addresses.values(),
            )
            if member.addresses.get(row["channel"]) == row["moved_to"]
        ]
        deliveries = [_with_attempts(connection, row) for row in _deliveries(connection, member.id or 0)]
    return Dossier(
        asdict(member), consents, suppressions_of(ledger, list(member.addresses.items())), deliveries, moved
    )


def _deliveries(connection: Connection, id: int) -> list[dict[str, Any]]:
    table, announcement = schema.delivery, schema.announcement
    query = (
        select(table, announcement.c.title, announcement.c.code)
        .join(announcement, announcement.c.id == table.c.announcement_id)
        .where(table.c.member_id == id)
        .order_by(table.c.id)
    )
    return [dict(row) for row in connection.execute(query).mappings()]


def _with_attempts(connection: Connection, row: dict[str, Any]) -> dict[str, Any]:
    """With the attempts on the person's addresses, also those made on another's turn."""
    routes = json.loads(row["routes"])
    revisions = range(1, row["revision"] + 1)
    keys = [
        idempotency_key(row["announcement_id"], revision, channel, address)
        for revision in revisions
        for channel, address in routes
    ]
    attempts = _rows(connection, schema.attempt, one_of(schema.attempt.c.key), keys)
    reasons = json.loads(row["reasons"]) if row["reasons"] else []
    return row | {"routes": routes, "reasons": reasons, "attempts": attempts}


def _rows(connection: Connection, table: Any, condition: Any, wanted: Any = ()) -> list[dict[str, Any]]:
    found = connection.execute(select(table).where(condition), values(wanted))
    return [dict(row) for row in found.mappings()]
