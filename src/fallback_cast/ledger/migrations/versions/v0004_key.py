"""The ledger's own secret: random bytes that never leave it."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, LargeBinary, Text

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "secret", Column("name", Text, primary_key=True), Column("value", LargeBinary, nullable=False)
    )
