"""Sales imported from files, and long tasks with their progress."""

import sqlalchemy as sa
from alembic import op

revision = '20261125_imports'
down_revision = '20261125_settlements'
branch_labels = None
depends_on = None


def upgrade() -> None:
    states = ('waiting', 'running', 'done', 'failed')
    still_open = sa.text("state IN ('waiting', 'running')")
    number = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
    op.create_table(
        'tasks',
        sa.Column('id', number, nullable=False),
        sa.Column('kind', sa.String(length=40), nullable=False),
        sa.Column('once', sa.String(length=120), nullable=False),
        sa.Column('facts', sa.JSON(), nullable=False),
        sa.Column('state', sa.Enum(*states, name='state', native_enum=False, create_constraint=False, length=24), nullable=False),
        sa.Column('done', sa.Integer(), nullable=False),
        sa.Column('total', sa.Integer(), nullable=False),
        sa.Column('result', sa.JSON(), nullable=False),
        sa.Column('trouble', sa.String(length=400), nullable=True),
        sa.Column('by_user_id', number, nullable=True),
        sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('started_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('claim', sa.String(length=32), nullable=True),
        sa.Column('claimed_until', sa.DateTime(timezone=True), nullable=True),
        sa.Column('tries', sa.Integer(), nullable=False),
        sa.CheckConstraint("state IN ('waiting', 'running', 'done', 'failed')", name=op.f('ck_tasks_state')),
        sa.CheckConstraint('done >= 0 AND total >= 0', name=op.f('ck_tasks_not_negative')),
        sa.ForeignKeyConstraint(['by_user_id'], ['users.id'], name=op.f('fk_tasks_by_user_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_tasks')),
        sa.UniqueConstraint('once', name=op.f('uq_tasks_once')),
    )
    op.create_index('ix_tasks_open', 'tasks', ['id'], unique=False, postgresql_where=still_open, sqlite_where=still_open)
    op.create_index('ix_tasks_kind', 'tasks', ['kind', 'id'], unique=False)
    op.create_index(op.f('ix_tasks_by_user_id'), 'tasks', ['by_user_id'], unique=False)
    op.create_table(
        'task_files',
        sa.Column('task_id', number, nullable=False),
        sa.Column('name', sa.String(length=40), nullable=False),
        sa.Column('content', sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(['task_id'], ['tasks.id'], name=op.f('fk_task_files_task_id')),
        sa.PrimaryKeyConstraint('task_id', 'name', name=op.f('pk_task_files')),
    )
    op.create_table(
        'task_troubles',
        sa.Column('task_id', number, nullable=False),
        sa.Column('place', sa.Integer(), autoincrement=False, nullable=False),
        sa.Column('facts', sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(['task_id'], ['tasks.id'], name=op.f('fk_task_troubles_task_id')),
        sa.PrimaryKeyConstraint('task_id', 'place', name=op.f('pk_task_troubles')),
    )


def downgrade() -> None:
    for table in ('task_troubles', 'task_files', 'tasks'):
        op.drop_table(table)
