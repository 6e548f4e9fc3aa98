"""Alembic's scripts: how an older ledger becomes a newer one."""
