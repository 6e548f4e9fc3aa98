"""Opening the ledger: whose file it is, where it may live, which schema it has."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from fallback_cast.ledger import schema
from fallback_cast.ledger.announce import KeyConflict, RepeatedContent, store_announcement
from fallback_cast.ledger.claim import active_announcements, claim, rescue
from fallback_cast.ledger.open import Ledger, open_ledger
from fallback_cast.ledger.progress import count
from fallback_cast.ledger.record import Batch, Begun, Closed, write_batch
from fallback_cast.model.announcement import Announcement, Importance
from fallback_cast.model.delivery import Attempt, Outcome, State
from fallback_cast.model.errors import LedgerError
from tests.dispatch.stage import member
from tests.virtual_time import BEGIN

LEASE = BEGIN + timedelta(seconds=60)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


def announcement(id: str = "a1", title: str = "Title") -> Announcement:
    return Announcement(
        id=id,
        code=id.upper(),
        title=title,
        body="Body",
        importance=Importance.NORMAL,
        created_at=BEGIN,
        expires_at=BEGIN + timedelta(days=1),
    )


def store(ledger: Ledger, members: int = 3, **facts: str) -> None:
    deliveries = (member(f"m{n}", ("email", f"m{n}@example.org")) for n in range(members))
    store_announcement(ledger, announcement(**facts), deliveries, starts_at=BEGIN, gate_until=None)


def test_the_migrated_schema_is_the_schema_of_the_tables(path: Path) -> None:
    ledger = open_ledger(path)
    with ledger.reading() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), schema.metadata)
    ledger.close()
    assert differences == []
    scripts = ScriptDirectory(str(Path(schema.__file__).parent / "migrations"))
    assert scripts.get_current_head() == schema.HEAD


def test_a_foreign_database_is_refused(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE recipes (name TEXT)")
    connection.commit()
    connection.close()
    with pytest.raises(LedgerError, match="not a ledger"):
        open_ledger(path)


def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(path: Path) -> None:
    path.write_text("dear diary" * 200)
    with pytest.raises(LedgerError, match="not a ledger"):
        open_ledger(path)
    assert path.read_text() == "dear diary" * 200


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="folder") as caught:
        open_ledger(tmp_path / "none" / "ledger.db")
    assert "none" in caught.value.where


def test_a_full_disk_loses_nothing_and_leaves_nothing_half_written(path: Path) -> None:
    ledger = open_ledger(path)
    store(ledger)
    with ledger.reading() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 1}")
    with pytest.raises(LedgerError, match="full"):
        store(ledger, members=5000, id="a2", title="Other")
    assert count(ledger, "a1").total == 3
    assert count(ledger, "a2").total == 0
    ledger.close()


def test_announcing_is_all_or_nothing(path: Path) -> None:
    ledger = open_ledger(path)

    def breaks() -> object:
        yield member("m1", ("email", "m1@example.org"))
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        store_announcement(ledger, announcement(), breaks(), starts_at=BEGIN, gate_until=None)  # type: ignore[arg-type]
    assert active_announcements(ledger) == []
    ledger.close()


def test_keys_and_repeated_content(path: Path) -> None:
    ledger = open_ledger(path)
    options = {"starts_at": BEGIN, "gate_until": None}
    first = store_announcement(ledger, announcement(), [], key="k", **options)
    again = store_announcement(ledger, announcement("a2"), [], key="k", **options)
    assert (again.id, again.repeated) == (first.id, True)
    with pytest.raises(KeyConflict):
        store_announcement(ledger, announcement("a3", "Other"), [], key="k", **options)
    with pytest.raises(RepeatedContent):
        store_announcement(ledger, announcement("a4"), [], **options)
    ledger.close()


def test_a_claim_uses_its_index(path: Path) -> None:
    ledger = open_ledger(path)
    with ledger.reading() as connection:
        plan = connection.exec_driver_sql(
            "EXPLAIN QUERY PLAN SELECT id FROM delivery WHERE announcement_id = 'a' AND lane = 'l' "
            "AND state = 'open' AND next_at <= 5 ORDER BY next_at LIMIT 10"
        ).all()
    ledger.close()
    told = " ".join(str(row[-1]) for row in plan)
    assert "delivery_due" in told
    assert "SCAN" not in told
    assert "TEMP B-TREE" not in told


def test_who_lost_the_lease_cannot_write(path: Path) -> None:
    ledger = open_ledger(path)
    store(ledger, members=1)
    [active] = active_announcements(ledger)
    [held] = claim(ledger, active, "email", "first", BEGIN, LEASE, 10)
    assert claim(ledger, active, "email", "second", BEGIN, LEASE, 10) == []
    later = LEASE + timedelta(seconds=1)
    assert len(claim(ledger, active, "email", "second", later, later + timedelta(seconds=60), 10)) == 1
    write_batch(ledger, Batch(closed=[Closed(held.delivery.id, State.REACHED, later, "email")]), "first")
    assert count(ledger, "a1").states == {"open": 1}
    write_batch(ledger, Batch(closed=[Closed(held.delivery.id, State.REACHED, later, "email")]), "second")
    assert count(ledger, "a1").states == {"reached": 1}
    ledger.close()


def test_what_a_dead_dispatcher_had_begun_is_unknown_never_unsent(path: Path) -> None:
    ledger = open_ledger(path)
    store(ledger, members=1)
    [active] = active_announcements(ledger)
    [held] = claim(ledger, active, "email", "dead", BEGIN, LEASE, 10)
    attempt = Attempt(
        key="k",
        number=1,
        channel="email",
        provider="email",
        address="m0@example.org",
        outcome=Outcome.BEGUN,
        begun_at=BEGIN,
    )
    write_batch(ledger, Batch(begun=[Begun(attempt, "a1", held.delivery.id)]), "dead")
    assert rescue(ledger, BEGIN) == 1
    assert count(ledger, "a1").channels["email"].unknown == 1
    assert len(claim(ledger, active, "email", "next", BEGIN, LEASE, 10)) == 1
    ledger.close()
