"""Saved reports, and the letters they come in."""

import sqlalchemy as sa
from alembic import op

revision = '20261128_saved_reports'
down_revision = "20261128_order_messages"
branch_labels = None
depends_on = None


def upgrade() -> None:
    number = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
    rolling = ('fixed', 'last_week', 'this_month', 'last_month', 'this_year')
    op.create_table(
        'saved_reports',
        sa.Column('id', number, nullable=False),
        sa.Column('by_user_id', number, nullable=False),
        sa.Column('name', sa.String(length=60), nullable=False),
        sa.Column('question', sa.JSON(), nullable=False),
        sa.Column('rolling', sa.Enum(*rolling, name='rolling', native_enum=False, create_constraint=False, length=24), nullable=False),
        sa.Column('is_shared', sa.Boolean(), nullable=False),
        sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("rolling IN ('fixed', 'last_week', 'this_month', 'last_month', 'this_year')", name=op.f('ck_saved_reports_rolling')),
        sa.ForeignKeyConstraint(['by_user_id'], ['users.id'], name=op.f('fk_saved_reports_by_user_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_saved_reports')),
        sa.UniqueConstraint('by_user_id', 'name', name=op.f('uq_saved_reports_by_user_id_name')),
    )
    op.create_table(
        'report_letters',
        sa.Column('id', number, nullable=False),
        sa.Column('saved_id', number, nullable=False),
        sa.Column('user_id', number, nullable=False),
        sa.Column('every', sa.Enum('week', 'month', name='every', native_enum=False, create_constraint=False, length=24), nullable=False),
        sa.Column('locale', sa.String(length=8), nullable=False),
        sa.Column('since', sa.Date(), nullable=False),
        sa.Column('stopped_at', sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("every IN ('week', 'month')", name=op.f('ck_report_letters_every')),
        sa.ForeignKeyConstraint(['saved_id'], ['saved_reports.id'], name=op.f('fk_report_letters_saved_id')),
        sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_report_letters_user_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_report_letters')),
        sa.UniqueConstraint('saved_id', 'user_id', name=op.f('uq_report_letters_saved_id_user_id')),
    )
    op.create_index(op.f('ix_report_letters_user_id'), 'report_letters', ['user_id'], unique=False)
    op.create_table(
        'report_letter_dues',
        sa.Column('letter_id', number, nullable=False),
        sa.Column('due_on', sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(['letter_id'], ['report_letters.id'], name=op.f('fk_report_letter_dues_letter_id')),
        sa.PrimaryKeyConstraint('letter_id', 'due_on', name=op.f('pk_report_letter_dues')),
    )


def downgrade() -> None:
    for table in ('report_letter_dues', 'report_letters', 'saved_reports'):
        op.drop_table(table)
