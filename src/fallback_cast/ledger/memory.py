"""What is remembered between runs: breakers, evidence, outages, and the pace of each provider."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from fallback_cast.ledger import schema
from fallback_cast.ledger.bulk import insert_or_change
from fallback_cast.ledger.open import Ledger
from fallback_cast.model.errors import Layer
from fallback_cast.model.health import Evidence, Signal, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """What is judged of one provider, and when it may be tried again."""

    channel: str
    provider: str
    verdict: Verdict = Verdict.UNKNOWN
    failures: float = 0.0  # in a row; an unknown outcome counts half
    openings: int = 0  # how often it opened without a recovery that lasted
    since: datetime
    seen_at: datetime
    retry_at: datetime | None = None
    layer: Layer | None = None
    reason: str = ""
    configuration: bool = False  # our account or settings: opened by AccessDenied
    fingerprint: str = ""  # of the settings; another one clears what was `configuration`
    configured_at: datetime


def load_breakers(ledger: Ledger) -> list[Breaker]:
    with ledger.reading() as connection:
        rows = connection.execute(select(schema.breaker)).mappings().all()
    return [
        Breaker(
            **{
                **row,
                "verdict": Verdict(row["verdict"]),
                "layer": Layer(row["layer"]) if row["layer"] else None,
            }
        )
        for row in rows
    ]


KEPT_IN_MIND = 100  # rows of each provider that a run begins with


def load_evidence(ledger: Ledger, about: Iterable[tuple[str, str]]) -> list[Evidence]:
    """The newest evidence about each of these: (channel, provider), or ("", reference)."""
    table, found = schema.evidence, list[Evidence]()
    with ledger.reading() as connection:
        for channel, provider in about:
            of_this = select(table).where(table.c.channel == channel, table.c.provider == provider)
            rows = connection.execute(of_this.order_by(table.c.at.desc()).limit(KEPT_IN_MIND))
            found += [_evidence(row) for row in rows]
    return found


def _evidence(row: Any) -> Evidence:
    layer = Layer(row.layer) if row.layer else None
    return Evidence(
        row.channel, row.provider, row.at, Signal(row.signal), row.source, layer, row.detail, row.machine
    )


def save_health(
    ledger: Ledger, machine: str, breakers: Iterable[Breaker], observed: Iterable[Evidence]
) -> None:
    """Store verdicts with the evidence they came from, and open or end their outages."""
    with ledger.writing() as connection:
        for breaker in breakers:
            _upsert_breaker(connection, breaker)
            _keep_outage(connection, breaker)
        rows = [{**asdict(seen), "machine": seen.machine or machine} for seen in observed]
        if rows:
            connection.execute(insert(schema.evidence), rows)


def _upsert_breaker(connection: Connection, breaker: Breaker) -> None:
    row = asdict(breaker)
    statement = insert_or_change(connection, schema.breaker).values(row)
    connection.execute(statement.on_conflict_do_update(index_elements=["channel", "provider"], set_=row))


def _keep_outage(connection: Connection, breaker: Breaker) -> None:
    """An outage begins when a provider is judged down and ends when it is judged up."""
    table = schema.outage
    of_this = (
        table.c.channel == breaker.channel,
        table.c.provider == breaker.provider,
        table.c.ended_at.is_(None),
    )
    if breaker.verdict is Verdict.DOWN:
        if breaker.configuration:  # down before, and now it refuses us: that is news for the organisers
            changed = {"configuration": True, "layer": breaker.layer, "reason": breaker.reason}
            connection.execute(
                update(table).where(*of_this, ~table.c.configuration).values(**changed, told_down_at=None)
            )
        if connection.execute(select(table.c.id).where(*of_this)).first() is None:
            connection.execute(
                insert(table).values(
                    channel=breaker.channel,
                    provider=breaker.provider,
                    began_at=breaker.since,
                    layer=breaker.layer,
                    reason=breaker.reason,
                    configuration=breaker.configuration,
                )
            )
    elif breaker.verdict is Verdict.UP:
        connection.execute(update(table).where(*of_this).values(ended_at=breaker.since))


def load_paces(ledger: Ledger) -> dict[str, datetime]:
    """When each pace lets the next message go."""
    with ledger.reading() as connection:
        return {row.key: row.next_at for row in connection.execute(select(schema.pace))}


def save_paces(ledger: Ledger, paces: Mapping[str, datetime], now: datetime) -> None:
    """Remember the paces that still hold somebody back; forget the others."""
    rows = [{"key": key, "next_at": at} for key, at in paces.items() if at > now]
    with ledger.writing() as connection:
        connection.execute(delete(schema.pace))
        if rows:
            connection.execute(insert(schema.pace), rows)


def moved_addresses(ledger: Ledger) -> dict[tuple[str, str], str]:
    """Addresses that a provider has replaced by others."""
    table = schema.moved_address
    with ledger.reading() as connection:
        return {(row.channel, row.address): row.moved_to for row in connection.execute(select(table))}


def remember_move(ledger: Ledger, channel: str, address: str, moved_to: str, now: datetime) -> None:
    table = schema.moved_address
    with ledger.writing() as connection:
        connection.execute(delete(table).where(table.c.channel == channel, table.c.address == address))
        connection.execute(insert(table).values(channel=channel, address=address, moved_to=moved_to, at=now))
