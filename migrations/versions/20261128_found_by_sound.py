"""Which lines wrote what a product is found by: rows that are there are written anew, with pinyin, by a sweep of the worker."""

import sqlalchemy as sa
from alembic import op

revision = '20261128_found_by_sound'
down_revision = "20261128_buying"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('products', sa.Column('search_version', sa.SmallInteger(), server_default='0', nullable=False))


def downgrade() -> None:
    op.drop_column('products', 'search_version')
