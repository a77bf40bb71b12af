"""Sales imported from files, and long tasks with their progress."""

import sqlalchemy as sa
from alembic import op

revision = '20261125_imports'
down_revision = '20261125_settlements'
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
