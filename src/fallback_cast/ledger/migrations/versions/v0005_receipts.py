"""Receipts: bounces, delivery reports, complaints."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, ForeignKey, Integer, Text, UniqueConstraint

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    row_id = BigInteger().with_variant(Integer, "sqlite")
    op.create_table(
        "receipt",
        Column("id", row_id, primary_key=True),
        Column("attempt_id", row_id, ForeignKey("attempt.id", ondelete="CASCADE"), nullable=False),
        Column("told", Text, nullable=False),
        Column("source", Text, nullable=False),
        Column("detail", Text, nullable=False, server_default=""),
        Column("at", BigInteger, nullable=False),
        UniqueConstraint("attempt_id", "told", name="receipt_once"),
    )
    op.create_index("delivery_by_member", "delivery", ["member_id", "announcement_id"])
