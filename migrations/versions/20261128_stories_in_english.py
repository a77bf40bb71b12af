"""Villages' stories in English beside the Chinese ones."""

import sqlalchemy as sa
from alembic import op

revision = '20261128_stories_in_english'
down_revision = '20261128_saved_reports'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('villages', sa.Column('story_en', sa.Text(), nullable=False, server_default=''))


def downgrade() -> None:
    op.drop_column('villages', 'story_en')
