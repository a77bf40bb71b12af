"""The edition of what changes seldom, which every change of it turns: processes keep what they have read while it lasts."""

from uuid import uuid4

import sqlalchemy as sa
from alembic import op

revision = '20261128_editions'
down_revision = "20261128_of_their_pick"
branch_labels = None
depends_on = None

# A copy, not an import: history does not change when shop/reports/editions.py does.
TABLES = (
    'towns', 'villages', 'cooperatives', 'categories', 'products', 'skus', 'product_photos', 'product_labels', 'product_marks', 'prices_elsewhere',
    'pictures', 'lot_sources', 'accreditations', 'reviews', 'review_photos',
)


def upgrade() -> None:
    op.create_table(
        'editions',
        sa.Column('id', sa.Integer(), autoincrement=False, nullable=False),
        sa.Column('token', sa.String(length=36), nullable=False),
        sa.CheckConstraint('id = 1', name=op.f('ck_editions_one')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_editions')),
    )
    op.execute(f"INSERT INTO editions (id, token) VALUES (1, '{uuid4().hex}')")
    if op.get_bind().dialect.name == 'sqlite':
        for table in TABLES:
            for change in ('insert', 'update', 'delete'):
                op.execute(
                    f"""CREATE TRIGGER {table}_turn_edition_{change} AFTER {change.upper()} ON {table} BEGIN
  DELETE FROM editions;
  INSERT INTO editions (id, token) VALUES (1, lower(hex(randomblob(16))));
END"""
                )
        return
    op.execute(
        """CREATE FUNCTION turn_edition() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  INSERT INTO editions (id, token) VALUES (1, gen_random_uuid()::text) ON CONFLICT (id) DO UPDATE SET token = EXCLUDED.token;
  RETURN NULL;
END
$$"""
    )
    for table in TABLES:
        op.execute(
            f"CREATE TRIGGER {table}_turn_edition AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION turn_edition()"
        )


def downgrade() -> None:
    names = [(table, f'{table}_turn_edition') for table in TABLES]
    if op.get_bind().dialect.name == 'sqlite':
        for _table, name in names:
            for change in ('insert', 'update', 'delete'):
                op.execute(f'DROP TRIGGER {name}_{change}')
    else:
        for table, name in names:
            op.execute(f'DROP TRIGGER {name} ON {table}')
        op.execute('DROP FUNCTION turn_edition')
    op.drop_table('editions')
