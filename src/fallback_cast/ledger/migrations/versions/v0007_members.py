"""More about members: numbers, consent, pauses with an end, own ranks and time zones."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Integer, Text

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("member", Column("number", Text))
    op.add_column("member", Column("ranks", Text, nullable=False, server_default=""))
    op.add_column("member", Column("timezone", Text))
    op.add_column("member", Column("paused_until", Text))
    op.create_index("member_by_number", "member", ["number"])
    op.create_index("member_address_by_address", "member_address", ["address"])
    row_id = BigInteger().with_variant(Integer, "sqlite")
    op.create_table(
        "member_consent",
        Column("member_id", row_id, ForeignKey("member.id", ondelete="CASCADE"), primary_key=True),
        Column("channel", Text, primary_key=True),
        Column("given", Boolean, nullable=False),
        Column("since", BigInteger, nullable=False),
    )
    op.add_column("delivery", Column("timezone", Text))
