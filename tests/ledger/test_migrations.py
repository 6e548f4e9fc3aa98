"""A ledger of an older program is brought up to date with everything in it, and a copy beside it."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

from fallback_cast.ledger.claim import active_announcements, claim
from fallback_cast.ledger.open import open_ledger
from fallback_cast.ledger.outages import outages_since, store_notice
from fallback_cast.ledger.progress import count
from fallback_cast.ledger.schema import HEAD, to_micros
from tests.virtual_time import BEGIN

NOW = to_micros(BEGIN)
OLD_ROWS = f"""
INSERT INTO announcement (id, code, title, body, importance, language, private, test, revision, content_hash,
    state, created_at, starts_at, expires_at)
VALUES ('a1', 'A1', 'Title', 'Body', 'urgent', 'fr', 0, 0, 1, 'h', 'dispatching', {NOW}, {NOW}, {NOW * 2});
INSERT INTO delivery (announcement_id, kind, recipient, routes, revision, state, why, lane, next_at,
    opened_at)
VALUES ('a1', 'member', 'Ann', '[["email", "ann@example.org"]]', 1, 'open', 'retry', 'email', {NOW}, {NOW}),
       ('a1', 'member', 'Bob', '[["email", "bob@example.org"]]', 1, 'reached', 'queued', 'email', {NOW},
        {NOW});
INSERT INTO attempt (key, number, announcement_id, delivery_id, channel, provider, address, outcome, owner,
    begun_at)
VALUES ('k', 1, 'a1', 1, 'email', 'email', 'ann@example.org', 'failed', 'me', {NOW});
INSERT INTO outage (channel, provider, began_at, ended_at, reason)
VALUES ('email', 'email', {NOW}, {NOW + 1}, 'old'), ('sms', 'sms', {NOW}, NULL, 'still on');
"""


def old_ledger(path: Path, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", "fallback_cast.ledger:migrations")
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()
    connection = sqlite3.connect(path)
    connection.executescript(OLD_ROWS)
    connection.close()


def test_open_deliveries_survive_the_second_migration(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    old_ledger(path, "0001")
    ledger = open_ledger(path)
    assert count(ledger, "a1").states == {"open": 1, "reached": 1}
    [active] = active_announcements(ledger)
    [held] = claim(ledger, active, "email", "new", BEGIN, BEGIN + timedelta(minutes=1), 10)
    assert held.delivery.recipient == "Ann"
    ledger.close()


def test_a_copy_stands_beside_the_ledger_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    old_ledger(path, "0001")
    open_ledger(path).close()
    copy = tmp_path / f"ledger.db.before-{HEAD}"
    assert copy.stat().st_mode & 0o777 == 0o600
    connection = sqlite3.connect(copy)
    assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("0001",)]
    assert connection.execute("SELECT count(*) FROM delivery").fetchone() == (2,)
    connection.close()


def test_outages_that_had_ended_before_are_no_news(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    old_ledger(path, "0001")
    ledger = open_ledger(path)
    told: list[str] = []
    store_notice(ledger, lambda changed, _: told.extend(o.reason for o in changed), BEGIN)
    assert told == ["still on"]
    assert len(outages_since(ledger, BEGIN - timedelta(days=1))) == 2
    ledger.close()


def test_the_first_migration_stays_what_it_was(tmp_path: Path) -> None:
    """It no longer follows the newest schema: columns of today are not in it."""
    path = tmp_path / "ledger.db"
    old_ledger(path, "0001")
    connection = sqlite3.connect(path)
    columns = {
        row[1]
        for table in ("attempt", "delivery", "outage")
        for row in connection.execute(f"PRAGMA table_info({table})")
    }
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    connection.close()
    assert columns.isdisjoint({"offline", "catch_up", "told_down_at"})
    assert "need" not in tables
