"""A village's page, and the page of all villages: where they lie, what they grow, what was booked to them.

Law: money is what the books attribute to the village, less refunds; a share of a product is grams by grams of its lots. A map is points, by bearing and
distance from the county seat; never an outline.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Date, bindparam, case, func, or_, select, text, union

from shop.catalog.models import Product, ProductStatus
from shop.extensions import db, rows_as
from shop.kit.errors import NotFound
from shop.kit.ids import ProductId, TownId, VillageId
from shop.kit.regions import find_place
from shop.origin.bearings import BIJIANG, km_from
from shop.origin.models import Cooperative, CooperativeVillage, EasternUnit, Pairing, Town, Village
from shop.origin.tellings import PeopleFacts, find_people
from shop.reports.months import Year, first_day, year_of_village
from shop.reports.sales import sales
from shop.reports.shelves import Card, cards_of
from shop.stock.models import Lot, LotSource

# ── What the pages show ───────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class MapPoint:
    """A town on the schematic; without kilometres where it has no coordinates."""

    name: str
    name_en: str
    value: int
    """Fen; the area of the dot."""
    east_km: float | None
    north_km: float | None
    is_here: bool


@dataclass(frozen=True)
class CooperativeLink:
    """A cooperative of the village."""

    slug: str
    name: str
    name_en: str
    is_sample: bool


@dataclass(frozen=True)
class PairingFacts:
    """Whom the village, or its town, is paired with."""

    unit: str
    is_of_town: bool
    is_confirmed: bool
    fact: str
    source: str
    valid_from: date | None
    valid_until: date | None


@dataclass(frozen=True)
class Grown:
    """A product with the part of its lots that came from the village."""

    card: Card
    village_grams: int
    all_grams: int
    """Nought when no lot was brought in yet."""


@dataclass(frozen=True)
class VillagePage:
    """Everything the page shows."""

    slug: str
    code: str | None
    name: str
    name_en: str
    story: str
    """In the visitor's language if somebody has written it, else in the other one."""
    story_lang: str
    story_is_sample: bool
    people: PeopleFacts | None
    """Counted by somebody on a day; small counts are not for showing."""
    town: str
    town_full: str
    town_en: str
    place: str
    """Down to the district: 贵州省铜仁市碧江区."""
    has_point: bool
    """Whether the town's seat has coordinates."""
    points: tuple[MapPoint, ...]
    cooperatives: tuple[CooperativeLink, ...]
    pairings: tuple[PairingFacts, ...]
    year: Year
    grown: tuple[Grown, ...]


@dataclass(frozen=True)
class VillageRow:
    """A village among all."""

    id: VillageId
    slug: str
    code: str | None
    name: str
    name_en: str
    net_fen: int
    has_sales: bool
    goods: tuple[tuple[str, str], ...]
    """Names of what it is known for and can be bought today, in Chinese and English."""


@dataclass(frozen=True)
class TownRows:
    """A town with its villages."""

    name: str
    name_full: str
    name_en: str
    east_km: float | None
    north_km: float | None
    villages: tuple[VillageRow, ...]

    @property
    def net_fen(self) -> int:
        """Of its villages."""
        return sum(village.net_fen for village in self.villages)


@dataclass(frozen=True)
class VillagesPage:
    """All villages, by town; the town that earned most first."""

    place: str
    since: date
    towns: tuple[TownRows, ...]

    @property
    def villages(self) -> tuple[VillageRow, ...]:
        """All of them."""
        return tuple(village for town in self.towns for village in town.villages)

    @property
    def net_fen(self) -> int:
        """Of all."""
        return sum(town.net_fen for town in self.towns)

    @property
    def most_fen(self) -> int:
        """The largest village's net: the scale of the bars."""
        return max((village.net_fen for village in self.villages), default=0)

    @property
    def points(self) -> tuple[MapPoint, ...]:
        """The towns on the map."""
        return tuple(MapPoint(t.name, t.name_en, max(0, t.net_fen), t.east_km, t.north_km, False) for t in self.towns)


# ── One village ───────────────────────────────────────────────────────────────────────────────────────────────────────


def village_page(slug: str, *, today: date, english: bool) -> VillagePage:
    """The page of the village at `slug`. Eight statements. Raises NotFound."""
    village = db.session.execute(
        select(
            Village.id,
            Village.slug,
            Village.code,
            Village.name,
            Village.name_en,
            Village.story,
            Village.story_en,
            Village.story_is_sample,
            Village.town_id,
        ).where(Village.slug == slug)
    ).one_or_none()
    if village is None:
        raise NotFound
    towns = _towns()
    town = next(town for town in towns if town.id == village.town_id)
    place = find_place(town.county_code)
    in_english = bool(village.story_en) and (english or not village.story)
    return VillagePage(
        slug=village.slug,
        code=village.code,
        name=village.name,
        name_en=village.name_en,
        story=village.story_en if in_english else village.story,
        story_lang="en" if in_english else "zh-Hans",
        story_is_sample=village.story_is_sample,
        people=find_people(VillageId(village.id)),
        town=town.short_name,
        town_full=town.name,
        town_en=town.name_en,
        place=place.name if place else town.county_name,
        has_point=town.latitude is not None,
        points=tuple(_point(other, other.id == town.id) for other in towns if other.latitude is not None or other.id == town.id),
        cooperatives=_cooperatives(village.id),
        pairings=_pairings(village.id, town.id),
        year=year_of_village(village.id, today=today),
        grown=_grown(village.id, today, english),
    )


@dataclass(frozen=True)
class _Town:
    id: TownId
    name: str
    short_name: str
    name_en: str
    county_code: str
    county_name: str
    latitude: float | None
    longitude: float | None


def _towns() -> list[_Town]:
    columns = (Town.id, Town.name, Town.short_name, Town.name_en, Town.county_code, Town.county_name, Town.latitude, Town.longitude)
    return rows_as(_Town, db.session.execute(select(*columns).order_by(Town.code, Town.id)))


def _point(town: _Town, is_here: bool) -> MapPoint:
    east_km, north_km = _kilometres(town)
    return MapPoint(town.short_name, town.name_en, 0, east_km, north_km, is_here)


def _kilometres(town: _Town) -> tuple[float | None, float | None]:
    if town.latitude is None or town.longitude is None:
        return None, None
    return km_from(BIJIANG, town.latitude, town.longitude)


def _cooperatives(village_id: VillageId) -> tuple[CooperativeLink, ...]:
    query = (
        select(Cooperative.slug, Cooperative.name, Cooperative.name_en, Cooperative.is_sample)
        .join(CooperativeVillage, CooperativeVillage.cooperative_id == Cooperative.id)
        .where(CooperativeVillage.village_id == village_id)
        .order_by((Cooperative.village_id == village_id).desc(), Cooperative.id)
    )
    return tuple(rows_as(CooperativeLink, db.session.execute(query)))


def _pairings(village_id: VillageId, town_id: TownId) -> tuple[PairingFacts, ...]:
    is_of_town = Pairing.village_id.is_(None)
    query = (
        select(
            EasternUnit.name,
            is_of_town,
            Pairing.is_confirmed,
            Pairing.fact,
            Pairing.source,
            Pairing.valid_from,
            Pairing.valid_until,
        )
        .join(EasternUnit, EasternUnit.id == Pairing.unit_id)
        .where(or_(Pairing.village_id == village_id, (Pairing.town_id == town_id) & is_of_town))
        .order_by(is_of_town, Pairing.valid_from, Pairing.id)
    )
    return tuple(rows_as(PairingFacts, db.session.execute(query)))


def _grown(village_id: VillageId, today: date, english: bool) -> tuple[Grown, ...]:
    in_force = (LotSource.lot_id == Lot.id) & (LotSource.version == Lot.source_version)
    of_village = union(
        select(Lot.product_id).join(LotSource, in_force).where(LotSource.village_id == village_id, Lot.recalled_at.is_(None)),
        select(Product.id).where(Product.village_id == village_id),
    )
    query = (
        select(
            Product.id,
            func.coalesce(func.sum(case((LotSource.village_id == village_id, LotSource.grams), else_=0)), 0),
            func.coalesce(func.sum(LotSource.grams), 0),
        )
        .outerjoin(Lot, (Lot.product_id == Product.id) & Lot.recalled_at.is_(None))
        .outerjoin(LotSource, in_force)
        .where(Product.id.in_(of_village), Product.status == ProductStatus.PUBLISHED)
        .group_by(Product.id)
    )
    grams = {ProductId(id_): (int(part), int(whole)) for id_, part, whole in db.session.execute(query)}
    return tuple(Grown(card, *grams[card.product_id]) for card in cards_of(sorted(grams), today=today, english=english))


# ── All villages ──────────────────────────────────────────────────────────────────────────────────────────────────────


def villages_page(*, today: date) -> VillagesPage:
    """All villages with their last twelve months and what of theirs can be bought today. Four statements."""
    since = first_day(today)
    nets = _nets(since, today)
    goods = goods_on_sale(today)
    rows: dict[int, list[VillageRow]] = {}
    columns = (Village.id, Village.slug, Village.code, Village.name, Village.name_en, Village.town_id)
    for id_, slug, code, name, name_en, town_id in db.session.execute(select(*columns).order_by(Village.code, Village.id)):
        row = VillageRow(VillageId(id_), slug, code, name, name_en, nets.get(id_, 0), id_ in nets, tuple(goods.get(id_, ())))
        rows.setdefault(town_id, []).append(row)
    towns = _towns()
    place = find_place(towns[0].county_code) if towns else None
    return VillagesPage(
        place=place.name if place else "",
        since=since,
        towns=tuple(sorted((_town_rows(town, rows[town.id]) for town in towns if town.id in rows), key=lambda town: -town.net_fen)),
    )


_GOODS_ON_SALE = text(
    """
select p.village_id, p.name, p.name_en from products p
 where p.status = 'published' and exists (select 1 from skus s join stock_items i on i.sku_id = s.id join lots l on l.id = i.lot_id
    where s.product_id = p.id and s.is_offered and l.best_before >= :today and l.recalled_at is null and i.packed > i.held + i.sold + i.written_off)
 order by p.village_id, p.id"""
).bindparams(bindparam("today", type_=Date))


def goods_on_sale(today: date) -> dict[int, list[tuple[str, str]]]:
    """By village id, the names (Chinese, English) of the published products it is known for that can be bought today. One statement."""
    goods: dict[int, list[tuple[str, str]]] = {}
    for village_id, name, name_en in db.session.execute(_GOODS_ON_SALE, {"today": today}):
        goods.setdefault(village_id, []).append((name, name_en))
    return goods


def _nets(since: date, today: date) -> dict[int, int]:
    """By village id; villages without anything booked are not there."""
    return {int(row.keys[0]): row.measures.net_fen for row in sales(["village"], since, today).rows}


def _town_rows(town: _Town, villages: Sequence[VillageRow]) -> TownRows:
    east_km, north_km = _kilometres(town)
    by_net = tuple(sorted(villages, key=lambda village: -village.net_fen))
    return TownRows(town.short_name, town.name, town.name_en, east_km, north_km, by_net)
