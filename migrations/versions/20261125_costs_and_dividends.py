"""Costs of lots, dividend rules and their runs."""

import sqlalchemy as sa
from alembic import op

revision = '20261125_costs_and_dividends'
down_revision = '20261125_corrections'
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
