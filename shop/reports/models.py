"""The roll-ups: sums of attributions by day and by month, at several grains, and whether what they were folded by still holds.

Nothing here is the source of a figure: every row can be made again from the attributions. A row of a grain fills that grain's columns; the others
hold nought (or an empty text), so that one primary key serves all grains. `shop/reports/rollups.py` names the grains.
"""

from datetime import date

from sqlalchemy import BigInteger, CheckConstraint, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from shop.extensions import Model


class _Sums:
    """What a row adds up. Money and grams stand twice: on the day they were booked, and on the day of their sale.

    What is counted is a plain integer: PostgreSQL adds those up several times as quickly as bigints.
    """

    posted_grams: Mapped[int] = mapped_column(BigInteger)
    sold_grams: Mapped[int] = mapped_column(BigInteger)
    posted_gross_fen: Mapped[int] = mapped_column(BigInteger)
    sold_gross_fen: Mapped[int] = mapped_column(BigInteger)
    posted_refunds_fen: Mapped[int] = mapped_column(BigInteger)
    sold_refunds_fen: Mapped[int] = mapped_column(BigInteger)
    posted_rows: Mapped[int]
    """Attributions booked on the day; nought when the row is there for the day of sale alone."""
    sold_rows: Mapped[int]
    lines_in_village: Mapped[int]
    """Order lines sold, each once in every village that it touches; `units_…` are the units of picks, counted likewise."""
    lines_in_town: Mapped[int]
    """Each once in every town, in one of its villages."""
    lines_in_county: Mapped[int]
    lines_at_all: Mapped[int]
    """Each once, in one of its villages."""
    units_in_village: Mapped[int]
    units_in_town: Mapped[int]
    units_in_county: Mapped[int]
    units_at_all: Mapped[int]


class GoodsRollup(_Sums, Model):
    """Day × village × cooperative × SKU × channel × accredited, and what it sums to at coarser grains (DESIGN §6)."""

    __tablename__ = "rollup_goods"
    __table_args__ = ({"sqlite_with_rowid": False},)

    grain: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    day: Mapped[date] = mapped_column(primary_key=True)
    """A business day; of a monthly grain the first of the month."""
    village_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    cooperative_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    sku_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    channel: Mapped[str] = mapped_column(String(24), primary_key=True)
    accredited: Mapped[bool] = mapped_column(primary_key=True)


class BuyersRollup(_Sums, Model):
    """Day × village × buyer's district × eastern unit with the pairing credited, and what it sums to at coarser grains (DESIGN §6)."""

    __tablename__ = "rollup_buyers"
    __table_args__ = ({"sqlite_with_rowid": False},)

    grain: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    day: Mapped[date] = mapped_column(primary_key=True)
    village_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    district_code: Mapped[str] = mapped_column(String(6), primary_key=True)
    """Empty where the buyer gave none."""
    eastern_unit_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    """Nought where none is credited; the pairing likewise."""
    pairing_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    """The one credited with the sale, by the pairings as they stood at folding."""
    lines_in_pairing: Mapped[int]
    """Each once under every pairing (and once under none), in one of its villages."""
    units_in_pairing: Mapped[int]


class RollupState(Model):
    """One row: which towns, counties and pairings the roll-ups were folded by. Every fold share-locks it; rebuilding locks it."""

    __tablename__ = "rollup_state"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    register: Mapped[str] = mapped_column(String(64))
    """A digest of the register of origins and pairings; empty while the roll-ups do not follow it."""


class Edition(Model):
    """One row: what the present state of everything that changes seldom is called. Written by triggers alone (`shop/reports/editions.py`)."""

    __tablename__ = "editions"
    __table_args__ = (CheckConstraint("id = 1", name="one"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    token: Mapped[str] = mapped_column(String(36))
    """Drawn by lot at every change, so that it never comes again, not even from a backup."""
