"""The first ledger, with its tables written out: later scripts change them step by step."""

from __future__ import annotations

from alembic import op
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

revision = "0001"
down_revision = None

metadata = MetaData()

RowId = BigInteger().with_variant(Integer, "sqlite")

Table(
    "announcement",
    metadata,
    Column("id", Text, primary_key=True),
    Column("code", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("importance", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("link", Text),
    Column("event_at", BigInteger),
    Column("place", Text),
    Column("private", Boolean, nullable=False),
    Column("test", Boolean, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("content_hash", Text, nullable=False),
    Column("idempotency_key", Text, unique=True),
    Column("state", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("starts_at", BigInteger, nullable=False),
    Column("gate_until", BigInteger),
    Column("page_url", Text),
    Column("expires_at", BigInteger, nullable=False),
    Column("settled_at", BigInteger),
    Index("announcement_by_content", "content_hash", "created_at"),
    Index("announcement_by_state", "state"),
)

Table(
    "member",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("name", Text, nullable=False),
    Column("language", Text),
    Column("groups", Text, nullable=False, server_default=""),
    Column("paused", Boolean, nullable=False, server_default=text("false")),
    Column("created_at", BigInteger, nullable=False),
)

Table(
    "member_address",
    metadata,
    Column("member_id", RowId, ForeignKey("member.id", ondelete="CASCADE"), primary_key=True),
    Column("channel", Text, primary_key=True),
    Column("address", Text, nullable=False),
)

Table(
    "delivery",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("announcement_id", Text, ForeignKey("announcement.id", ondelete="CASCADE"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("member_id", RowId),
    Column("routes", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("lane", Text, nullable=False),
    Column("next_at", BigInteger, nullable=False),
    Column("owner", Text),
    Column("waits_for", Text),
    Column("via", Text),
    Column("fell_back", Boolean, nullable=False, server_default=text("false")),
    Column("skipped", Text),
    Column("reasons", Text),
    Column("opened_at", BigInteger, nullable=False),
    Column("closed_at", BigInteger),
    Index(
        "delivery_due",
        "announcement_id",
        "lane",
        "next_at",
        sqlite_where=text("state = 'open'"),
        postgresql_where=text("state = 'open'"),
    ),
    Index("delivery_by_state", "announcement_id", "state"),
    Index(
        "delivery_waiting_for",
        "waits_for",
        sqlite_where=text("waits_for IS NOT NULL"),
        postgresql_where=text("waits_for IS NOT NULL"),
    ),
)

Table(
    "attempt",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("key", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("announcement_id", Text, ForeignKey("announcement.id", ondelete="CASCADE"), nullable=False),
    Column("delivery_id", RowId, nullable=False),
    Column("channel", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("error", Text),
    Column("reason", Text, nullable=False, server_default=""),
    Column("layer", Text),
    Column("place_only", Boolean, nullable=False, server_default=text("false")),
    Column("not_before", BigInteger),
    Column("reference", Text),
    Column("note", Text, nullable=False, server_default=""),
    Column("possible_duplicate", Boolean, nullable=False, server_default=text("false")),
    Column("owner", Text, nullable=False),
    Column("begun_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    UniqueConstraint("key", "number", name="attempt_key_number"),
    Index("attempt_by_announcement", "announcement_id", "channel", "outcome"),
    Index(
        "attempt_in_flight",
        "owner",
        sqlite_where=text("outcome = 'begun'"),
        postgresql_where=text("outcome = 'begun'"),
    ),
)

Table(
    "suppression",
    metadata,
    Column("channel", Text, primary_key=True),
    Column("address", Text, primary_key=True),
    Column("cause", Text, nullable=False),
    Column("evidence", Text, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("ends_at", BigInteger),
)

Table(
    "evidence",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("channel", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("machine", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("signal", Text, nullable=False),
    Column("layer", Text),
    Column("detail", Text, nullable=False, server_default=""),
    Index("evidence_by_provider", "channel", "provider", "at"),
)

Table(
    "breaker",
    metadata,
    Column("channel", Text, primary_key=True),
    Column("provider", Text, primary_key=True),
    Column("verdict", Text, nullable=False),
    Column("failures", Float, nullable=False),
    Column("openings", Integer, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("retry_at", BigInteger),
    Column("layer", Text),
    Column("reason", Text, nullable=False),
    Column("configuration", Boolean, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("configured_at", BigInteger, nullable=False),
)

Table(
    "outage",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("channel", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("began_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("layer", Text),
    Column("reason", Text, nullable=False),
)

Table(
    "pace",
    metadata,
    Column("key", Text, primary_key=True),
    Column("next_at", BigInteger, nullable=False),
)

Table(
    "moved_address",
    metadata,
    Column("channel", Text, primary_key=True),
    Column("address", Text, primary_key=True),
    Column("moved_to", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
)


def upgrade() -> None:
    metadata.create_all(op.get_bind())
