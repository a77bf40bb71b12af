"""What the provider keeps and pays out: balance transactions, payouts, disputes."""

import sqlalchemy as sa
from alembic import op

revision = '20261125_provider_money'
down_revision = '20261125_transfers'
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
