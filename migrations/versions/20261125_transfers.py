"""Bank transfers, refunds that two people decide, refunds by transfer."""

import sqlalchemy as sa
from alembic import op

revision = '20261125_transfers'
down_revision = '20261125_imports'
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
