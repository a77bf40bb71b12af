"""A product's page: its packs with what is left of them, the lot on sale now with whose fields it came from, and where the money goes.

Law: what is shown as going to a village is what buying one pack now, alone and without a discount, would book: the lot's next step of
DESIGN §2.4. What seldom changes is known of this edition (`reports.editions`); the edition, what is left of the packs and what is left of what else comes from
the village are asked for each time: three statements.
"""

from dataclasses import dataclass
from datetime import date

from shop.catalog.labels import Label, MarkFacts, PriceSeen, find_label, marks_of, prices_elsewhere
from shop.catalog.measures import UnitPrice, unit_price
from shop.catalog.photos import PhotoFacts, photos_of
from shop.catalog.queries import ProductFacts, SkuFacts, find_product
from shop.catalog.seasons import is_in_season
from shop.kit.errors import NotFound
from shop.kit.ids import LotId
from shop.kit.regions import find_place
from shop.ledger.split import Weighted, step
from shop.papers.accreditations import Valid, valid_times
from shop.reports.editions import Kept, this_edition
from shop.reports.shelves import MOST_NEARBY, Card, cards_nearby, with_goods_first
from shop.reports.voices import Voices, voices_of
from shop.shipping.rules import CannotShip, Parcel, Quote, Way, arrival, quote, ways_to_send
from shop.stock.queries import ItemOnSale, SourceFacts, items_on_sale, sources_of

KUNSHAN = "320583"
"""Where most parcels go: the page says how long and how dear for there."""


@dataclass(frozen=True)
class PackOffer:
    """One pack to choose."""

    sku: SkuFacts
    unit_price: UnitPrice
    free_units: int
    unit_word: str
    is_in_season: bool
    first_harvest_month: int | None
    last_harvest_month: int | None


@dataclass(frozen=True)
class LotNow:
    """The lot that the next unit of the chosen pack comes from."""

    item: ItemOnSale
    sources: tuple[SourceFacts, ...]
    shares_fen: tuple[int, ...]
    """In the sources' order: what each village is booked if one pack is bought now."""
    later_codes: tuple[str, ...]
    """Lots that the same pack is drawn from after this one."""

    @property
    def shares(self) -> tuple[tuple[SourceFacts, int], ...]:
        """Each village with its fen."""
        return tuple(zip(self.sources, self.shares_fen, strict=True))


@dataclass(frozen=True)
class ProductPage:
    """Everything the page shows. Without `chosen` there is nothing on offer."""

    product: ProductFacts
    place: str
    """The official place of the product's village, down to the district: 贵州省铜仁市碧江区."""
    photos: tuple[PhotoFacts, ...]
    packs: tuple[PackOffer, ...]
    chosen: PackOffer | None
    lot: LotNow | None
    """None when the chosen pack is sold out."""
    to_kunshan: Quote | CannotShip | None
    """What sending one chosen pack to Kunshan costs."""
    ways: tuple[Way, ...]
    """How one chosen pack may be sent to the place asked for, the usual way first; none where it cannot go."""
    label: Label | None
    """None until somebody has written it down whole."""
    marks: tuple[MarkFacts, ...]
    """Those whose certificate holds today."""
    prices: tuple[PriceSeen, ...]
    """What the like costs elsewhere."""
    nearby: tuple[Card, ...]
    """What else comes from this village."""
    voices: Voices
    accreditation: Valid | None
    """The one that holds today: what is sold today counts as accredited."""

    @property
    def can_be_bought(self) -> bool:
        """Whether any pack is left."""
        return not self.product.is_retired and any(pack.free_units for pack in self.packs)

    @property
    def skus_left(self) -> tuple[SkuFacts, ...]:
        """The packs of which something is left."""
        return tuple(pack.sku for pack in self.packs if pack.free_units)


def product_page(slug: str, *, sku_code: str | None, today: date, to: str = KUNSHAN, english: bool = False) -> ProductPage:
    """The page of the product at `slug` on the business day `today`, with the pack named `sku_code` chosen, else the first one left.

    `to`: the six digits of a city or district that the buyer asks about.

    Raises NotFound for a draft and for what never was.
    """
    edition = this_edition()
    told = edition.known(_told_of, slug, today)
    if told is None:
        raise NotFound
    product = told.product
    items = [] if product.is_retired else items_on_sale(product.id, today=today)
    packs = tuple(_offer(sku, product, items, today) for sku in product.skus)
    chosen = _chosen(packs, sku_code)
    place = find_place(product.county_code)
    return ProductPage(
        product=product,
        place=place.name if place else "",
        photos=told.photos,
        packs=packs,
        chosen=chosen,
        lot=_lot_now(chosen, items, edition) if chosen else None,
        to_kunshan=_to_kunshan(product, chosen) if chosen else None,
        ways=_ways(product, chosen, to, today) if chosen else (),
        label=told.label,
        marks=told.marks,
        prices=told.prices,
        nearby=with_goods_first(edition.known(cards_nearby, product.village_id, product.id, today=today, english=english), today=today)[
            :MOST_NEARBY
        ],
        voices=told.voices,
        accreditation=told.accreditation,
    )


@dataclass(frozen=True)
class _Told:
    """What is told of a product on some day and seldom changes; fields as in ProductPage."""

    product: ProductFacts
    photos: tuple[PhotoFacts, ...]
    label: Label | None
    marks: tuple[MarkFacts, ...]
    prices: tuple[PriceSeen, ...]
    voices: Voices
    accreditation: Valid | None


def _told_of(slug: str, today: date) -> _Told | None:
    product = find_product(slug)
    if product is None:
        return None
    return _Told(
        product=product,
        photos=tuple(photos_of(product.id)) if product.cover else (),
        label=find_label(product.id),
        marks=tuple(mark for mark in marks_of(product.id) if mark.holds_on(today)),
        prices=tuple(prices_elsewhere(product.id, today=today)),
        voices=voices_of(product.id),
        accreditation=next((time for time in valid_times([product.id]) if time.first_day <= today <= time.last_day), None),
    )


def _offer(sku: SkuFacts, product: ProductFacts, items: list[ItemOnSale], today: date) -> PackOffer:
    first, last = product.first_harvest_month, product.last_harvest_month
    return PackOffer(
        sku=sku,
        unit_price=unit_price(sku.price_fen, sku.net_value, sku.net_unit),
        free_units=sum(item.free_units for item in items if item.sku_id == sku.id),
        unit_word=sku.unit_word,
        is_in_season=is_in_season(first, last, today.month),
        first_harvest_month=first,
        last_harvest_month=last,
    )


def _chosen(packs: tuple[PackOffer, ...], sku_code: str | None) -> PackOffer | None:
    asked = next((pack for pack in packs if pack.sku.code == sku_code), None)
    left = next((pack for pack in packs if pack.free_units), None)
    return asked or left or next(iter(packs), None)


def _lot_now(chosen: PackOffer, items: list[ItemOnSale], edition: Kept) -> LotNow | None:
    of_pack = [item for item in items if item.sku_id == chosen.sku.id]
    if not of_pack:
        return None
    first = of_pack[0]
    sources = edition.known(_sources_of, first.lot_id)
    weights = [Weighted(source.village_code, source.village_id, source.grams) for source in sources]
    return LotNow(
        item=first,
        sources=sources,
        shares_fen=step(first.gross_fen + chosen.sku.price_fen, chosen.sku.price_fen, weights) if weights else (),
        later_codes=tuple(item.lot_code for item in of_pack[1:]),
    )


def _sources_of(lot_id: LotId) -> tuple[SourceFacts, ...]:
    """Its villages. Another source means another version of them, written beside the old ones."""
    return sources_of([lot_id])[lot_id]


def _to_kunshan(product: ProductFacts, chosen: PackOffer) -> Quote | CannotShip:
    return quote(_one_pack(product, chosen), KUNSHAN)


def _ways(product: ProductFacts, chosen: PackOffer, to: str, today: date) -> tuple[Way, ...]:
    ways = ways_to_send(_one_pack(product, chosen), to)
    return tuple(Way(way, arrival(way, ordered_on=today, ships_on=product.cooperative_ships_on)) for way in ways)


def _one_pack(product: ProductFacts, chosen: PackOffer) -> Parcel:
    return Parcel(product.cooperative_id, chosen.sku.packed_grams, chosen.sku.price_fen, product.is_cold_chain)
