"""When everything on the shelves is harvested, month by month. One statement."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import Date, bindparam, text

from shop.catalog.seasons import is_in_season
from shop.extensions import db


@dataclass(frozen=True)
class SeasonRow:
    """A product with its months."""

    slug: str
    name: str
    name_en: str
    village: str
    village_en: str
    first_month: int | None
    last_month: int | None
    """None: made all year."""
    has_goods: bool
    """Can be bought today, harvested now or kept."""

    @property
    def months(self) -> tuple[bool, ...]:
        """Of each month, January first, whether it is harvested; never for what is made all year."""
        return tuple(self.first_month is not None and is_in_season(self.first_month, self.last_month, month) for month in range(1, 13))


@dataclass(frozen=True)
class Shelf:
    """A category with its products."""

    name: str
    name_en: str
    rows: tuple[SeasonRow, ...]


@dataclass(frozen=True)
class SeasonPage:
    """Everything the page shows."""

    month: int
    shelves: tuple[Shelf, ...]

    @property
    def rows(self) -> tuple[SeasonRow, ...]:
        """All products."""
        return tuple(row for shelf in self.shelves for row in shelf.rows)

    @property
    def now(self) -> tuple[SeasonRow, ...]:
        """What is harvested this month."""
        return tuple(row for row in self.rows if row.months[self.month - 1])

    @property
    def soon(self) -> tuple[SeasonRow, ...]:
        """What is not, but will be next month."""
        return tuple(row for row in self.rows if row.months[self.month % 12] and not row.months[self.month - 1])

    @property
    def counts(self) -> tuple[int, ...]:
        """Of each month, how many products are harvested."""
        return tuple(sum(row.months[month] for row in self.rows) for month in range(12))


_ROWS = text(
    """
select c.name, c.name_en, p.slug, p.name, p.name_en, v.name, v.name_en, p.first_harvest_month, p.last_harvest_month,
       exists (select 1 from skus o join stock_items i on i.sku_id = o.id join lots l on l.id = i.lot_id
         where o.product_id = p.id and o.is_offered and l.best_before >= :today and l.recalled_at is null and i.packed > i.held + i.sold + i.written_off)
  from products p join categories c on c.id = p.category_id join villages v on v.id = p.village_id
 where p.status = 'published' and exists (select 1 from skus o where o.product_id = p.id and o.is_offered)
 order by c.position, c.id, case when p.first_harvest_month is null then 13 else p.first_harvest_month end, p.id"""
).bindparams(bindparam("today", type_=Date))


def season_page(*, today: date) -> SeasonPage:
    """The calendar on the business day `today`."""
    shelves: dict[tuple[str, str], list[SeasonRow]] = {}
    for row in db.session.execute(_ROWS, {"today": today}):
        shelf, shelf_en, *columns = row
        shelves.setdefault((shelf, shelf_en), []).append(SeasonRow(*columns))
    return SeasonPage(today.month, tuple(Shelf(name, name_en, tuple(rows)) for (name, name_en), rows in shelves.items()))
