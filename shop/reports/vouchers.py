"""Vouchers as staff see them: what each promises, how often it was used, what it took off."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import BigInteger, cast, func, select

from shop.catalog.models import Category
from shop.extensions import columns_of, db, rows_as, table_of
from shop.kit.ids import CategoryId, VillageId, VoucherId
from shop.offers.models import Voucher, VoucherKind, VoucherUse
from shop.origin.models import Village


@dataclass(frozen=True)
class VoucherInList:
    """One voucher."""

    id: VoucherId
    code: str
    name: str
    name_en: str
    kind: VoucherKind
    worth: int
    most_fen: int | None
    minimum_fen: int
    village: str | None
    village_en: str | None
    category: str | None
    category_en: str | None
    first_day: date
    last_day: date
    most_uses: int | None
    most_per_buyer: int | None
    is_stackable: bool
    is_ended: bool
    used: int
    given_fen: int
    """What it took off orders whose use of it stands."""

    def is_open(self, today: date) -> bool:
        """Whether somebody could use it today or later."""
        return not self.is_ended and today <= self.last_day and (self.most_uses is None or self.used < self.most_uses)


@dataclass(frozen=True)
class Binding:
    """A village or a shelf that a voucher may be for."""

    id: VillageId | CategoryId
    name: str
    name_en: str


_voucher, _use = columns_of(Voucher), columns_of(VoucherUse)
_village, _category = columns_of(Village), columns_of(Category)


def list_vouchers() -> Sequence[VoucherInList]:
    """All of them, the latest first. One statement."""
    given = (
        select(_use.voucher_id, cast(func.sum(_use.amount_fen), BigInteger).label("fen"))
        .where(_use.released_at.is_(None))
        .group_by(_use.voucher_id)
        .subquery()
    )
    query = (
        select(
            _voucher.id,
            _voucher.code,
            _voucher.name,
            _voucher.name_en,
            _voucher.kind,
            _voucher.worth,
            _voucher.most_fen,
            _voucher.minimum_fen,
            _village.name,
            _village.name_en,
            _category.name,
            _category.name_en,
            _voucher.first_day,
            _voucher.last_day,
            _voucher.most_uses,
            _voucher.most_per_buyer,
            _voucher.is_stackable,
            _voucher.ended_at.is_not(None),
            _voucher.used,
            func.coalesce(given.c.fen, 0),
        )
        .select_from(
            table_of(Voucher)
            .outerjoin(table_of(Village), _village.id == _voucher.village_id)
            .outerjoin(table_of(Category), _category.id == _voucher.category_id)
            .outerjoin(given, given.c.voucher_id == _voucher.id)
        )
        .order_by(_voucher.id.desc())
    )
    return rows_as(VoucherInList, db.session.execute(query))


def bindings() -> tuple[Sequence[Binding], Sequence[Binding]]:
    """The villages and the shelves to choose from, by name and by place."""
    villages = db.session.execute(select(_village.id, _village.name, _village.name_en).order_by(_village.name))
    categories = db.session.execute(select(_category.id, _category.name, _category.name_en).order_by(_category.position))
    return rows_as(Binding, villages), rows_as(Binding, categories)
