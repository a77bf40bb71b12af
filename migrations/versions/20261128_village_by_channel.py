"""A grain of the goods' roll-up by village, channel and accreditation, in place of one by channel and accreditation; one of the buyers' by village and district.

Made from the finest grain, which holds every fen: at no moment does a report miss anything.
"""

from alembic import op

revision = '20261128_village_by_channel'
down_revision = "20261128_people"
branch_labels = None
depends_on = None

_SUMS = (
    'posted_grams', 'sold_grams', 'posted_gross_fen', 'sold_gross_fen', 'posted_refunds_fen', 'sold_refunds_fen',
    'posted_rows', 'sold_rows', 'lines_in_village', 'lines_in_town', 'lines_in_county', 'lines_at_all',
    'units_in_village', 'units_in_town', 'units_in_county', 'units_at_all',
)


def upgrade() -> None:
    op.execute('DELETE FROM rollup_goods WHERE grain IN (1, 101, 5, 105)')  # 5: a worker may have folded by the new program already
    for finest, grain in ((9, 5), (109, 105)):
        op.execute(
            f"""INSERT INTO rollup_goods (grain, day, village_id, cooperative_id, sku_id, channel, accredited, {', '.join(_SUMS)})
                SELECT {grain}, day, village_id, 0, 0, channel, accredited, {', '.join(f'sum({name})' for name in _SUMS)}
                  FROM rollup_goods WHERE grain = {finest} GROUP BY day, village_id, channel, accredited"""
        )
    op.execute('DELETE FROM rollup_buyers WHERE grain IN (3, 103)')
    sums = (*_SUMS, 'lines_in_pairing', 'units_in_pairing')
    for finest, grain in ((9, 3), (109, 103)):
        op.execute(
            f"""INSERT INTO rollup_buyers (grain, day, village_id, district_code, eastern_unit_id, pairing_id, {', '.join(sums)})
                SELECT {grain}, day, village_id, district_code, 0, 0, {', '.join(f'sum({name})' for name in sums)}
                  FROM rollup_buyers WHERE grain = {finest} GROUP BY day, village_id, district_code"""
        )


def downgrade() -> None:
    raise RuntimeError('the books are never dropped; restore a backup instead')
