"""The first ledger."""

from alembic import op

from fallback_cast.ledger.schema import metadata

revision = "0001"
down_revision = None


def upgrade() -> None:
    # Later scripts change this step by step; when the next one comes, the tables of this one are
    # written out here, so that the script no longer follows the newest schema.
    metadata.create_all(op.get_bind())
