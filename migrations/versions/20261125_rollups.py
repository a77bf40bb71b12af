"""The roll-ups of the reports and the queue that feeds them.

Every entry with attributions that stands already is put into the queue: the worker folds it within seconds of its start, and until then reports
read it from the books, as they did before.
"""

import sqlalchemy as sa
from alembic import op

revision = '20261125_rollups'
down_revision = '20261125_provider_money'
branch_labels = None
depends_on = None

_ADDED = ('posted_grams', 'sold_grams', 'posted_gross_fen', 'sold_gross_fen', 'posted_refunds_fen', 'sold_refunds_fen')
_COUNTED = (
    'posted_rows', 'sold_rows', 'lines_in_village', 'lines_in_town', 'lines_in_county', 'lines_at_all',
    'units_in_village', 'units_in_town', 'units_in_county', 'units_at_all',
)


def _sums(*more: str) -> list[sa.Column]:
    return [
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in _ADDED),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in (*_COUNTED, *more)),
    ]


def _key(name: str, kind: sa.types.TypeEngine) -> sa.Column:
    return sa.Column(name, kind, autoincrement=False, nullable=False)


def upgrade() -> None:
    op.create_table(
        'ledger_unfolded',
        _key('entry_id', sa.BigInteger()),
        sa.ForeignKeyConstraint(['entry_id'], ['entries.id'], name=op.f('fk_ledger_unfolded_entry_id')),
        sa.PrimaryKeyConstraint('entry_id', name=op.f('pk_ledger_unfolded')),
    )
    op.execute('INSERT INTO ledger_unfolded (entry_id) SELECT DISTINCT entry_id FROM attributions')
    op.create_index('ix_attributions_sold', 'attributions', ['sold_on', 'line_id'])
    is_refund = sa.text('is_refund')
    op.create_index('ix_attributions_refunds', 'attributions', ['business_day', 'sold_on'], sqlite_where=is_refund, postgresql_where=is_refund)
    op.create_table(
        'rollup_goods',
        _key('grain', sa.SmallInteger()),
        _key('day', sa.Date()),
        _key('village_id', sa.BigInteger()),
        _key('cooperative_id', sa.BigInteger()),
        _key('sku_id', sa.BigInteger()),
        _key('channel', sa.String(length=24)),
        _key('accredited', sa.Boolean()),
        *_sums(),
        sa.PrimaryKeyConstraint('grain', 'day', 'village_id', 'cooperative_id', 'sku_id', 'channel', 'accredited', name=op.f('pk_rollup_goods')),
        sqlite_with_rowid=False,
    )
    op.create_table(
        'rollup_buyers',
        _key('grain', sa.SmallInteger()),
        _key('day', sa.Date()),
        _key('village_id', sa.BigInteger()),
        _key('district_code', sa.String(length=6)),
        _key('eastern_unit_id', sa.BigInteger()),
        _key('pairing_id', sa.BigInteger()),
        *_sums('lines_in_pairing', 'units_in_pairing'),
        sa.PrimaryKeyConstraint('grain', 'day', 'village_id', 'district_code', 'eastern_unit_id', 'pairing_id', name=op.f('pk_rollup_buyers')),
        sqlite_with_rowid=False,
    )
    op.create_table(
        'rollup_state',
        _key('id', sa.Integer()),
        sa.Column('register', sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_rollup_state')),
    )


def downgrade() -> None:
    for table in ('rollup_state', 'rollup_buyers', 'rollup_goods', 'ledger_unfolded'):
        op.drop_table(table)
    op.drop_index('ix_attributions_refunds', table_name='attributions')
    op.drop_index('ix_attributions_sold', table_name='attributions')
