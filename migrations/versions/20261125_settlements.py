"""Settlements with cooperatives, months that close."""

import sqlalchemy as sa
from alembic import op

revision = '20261125_settlements'
down_revision = '20261125_costs_and_dividends'
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
