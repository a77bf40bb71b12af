"""A lot corrected after sales, an order edited before packing, products accredited."""

import sqlalchemy as sa
from alembic import op

revision = '20261125_corrections'
down_revision = '20261125_more_kinds'
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
