"""What an attempt costs, for caps of paid channels."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, Float

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("attempt", Column("cost", Float))
