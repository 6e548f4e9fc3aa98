"""Alembic runs the scripts over the connection it is given (see ledger/open.py)."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
