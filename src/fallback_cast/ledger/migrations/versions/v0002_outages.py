"""Outages that organisers are told of once, catch-up of places, and attempts made while we were offline."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, Text, text

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("announcement", _no("notice"))
    op.add_column("attempt", _no("offline"))
    op.add_column("delivery", _no("catch_up"))
    op.create_index(
        "delivery_catch_up",
        "delivery",
        ["announcement_id", "recipient"],
        unique=True,
        sqlite_where=text("catch_up"),
        postgresql_where=text("catch_up"),
    )
    op.add_column("outage", _no("configuration"))
    op.add_column("outage", Column("told_down_at", BigInteger))
    op.add_column("outage", Column("told_back_at", BigInteger))
    op.create_index("outage_by_provider", "outage", ["channel", "provider", "began_at"])
    op.create_table(
        "need",
        Column("channel", Text, primary_key=True),
        Column("provider", Text, primary_key=True),
        Column("what", Text, primary_key=True),
        Column("since", BigInteger, nullable=False),
        Column("told_at", BigInteger),
        Column("detail", Text, nullable=False, server_default=""),
    )
    # What ended before organisers were ever told of outages is no news.
    op.execute(
        "UPDATE outage SET told_down_at = began_at, told_back_at = ended_at WHERE ended_at IS NOT NULL"
    )


def _no(name: str) -> Column[bool]:
    """A flag that no row has yet."""
    return Column(name, Boolean, nullable=False, server_default=text("false"))
