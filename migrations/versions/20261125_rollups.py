"""The roll-ups of the reports and the queue that feeds them."""

import sqlalchemy as sa
from alembic import op

revision = '20261125_rollups'
down_revision = '20261125_provider_money'
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
