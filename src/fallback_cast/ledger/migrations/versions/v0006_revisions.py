"""Corrections and cancellations: every text that an announcement had, and who is to be told of the newest."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Integer, Text, text

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("announcement", Column("cancelled_at", BigInteger))
    op.add_column("delivery", Column("amends", BigInteger().with_variant(Integer, "sqlite")))
    amending = text("amends IS NOT NULL")
    op.create_index(
        "delivery_amends", "delivery", ["amends"], sqlite_where=amending, postgresql_where=amending
    )
    op.create_table(
        "revision",
        Column("announcement_id", Text, ForeignKey("announcement.id", ondelete="CASCADE"), primary_key=True),
        Column("revision", Integer, primary_key=True),
        Column("at", BigInteger, nullable=False),
        Column("title", Text, nullable=False),
        Column("body", Text, nullable=False),
        Column("link", Text),
        Column("event_at", BigInteger),
        Column("place", Text),
        Column("cancelled", Boolean, nullable=False, server_default=text("false")),
    )
