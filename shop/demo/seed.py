"""The whole story, in the order in which it happened."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from shop.acts.sell_offline import OfflineLine, OfflineSale, return_offline, sell_offline
from shop.catalog import service as catalog
from shop.catalog.service import MadeProduct
from shop.demo import county, goods, harvest, people, season
from shop.demo.county import County
from shop.demo.harvest import PlannedLot
from shop.demo.season import PlannedReturn, PlannedSale
from shop.kit.clock import SHANGHAI, business_day
from shop.kit.ids import UserId
from shop.stock import service as stock
from shop.stock.service import Packed, Source

_OPENED_BEFORE = timedelta(days=harvest.WINDOW_DAYS + 8)
"""How long before the day of the story the shop opened: before its first sale."""


@dataclass(frozen=True)
class Told:
    """What the story holds."""

    day: date
    villages: int
    cooperatives: int
    products: int
    skus: int
    lots: int
    sales: int
    returns: int


def tell(*, now: datetime, most_acts: int = season.MOST_ACTS, say: Callable[[str], None] = lambda line: None) -> Told:
    """Make the demo county: places, people, goods, lots, and a season of sales made by hand with their returns, `most_acts` at most.

    Every verb has a key, so telling it again changes nothing: the story stays that of the day on which it was first told. `say` is told each
    chapter.
    """
    settled = county.settle(harvest.neighbours())
    say(f"村社 {len(settled.villages)} 个，合作社 {len(settled.cooperatives)} 家，东部单位 {len(settled.units)} 个")
    products = goods.stock_the_shelves(settled, now=_opened_at(business_day(now)))
    opened_at = products[goods.GOODS[0].slug].created_at
    day = business_day(opened_at + _OPENED_BEFORE)
    users = people.introduce(settled, now=opened_at)
    skus = sum(len(product.sku_ids) for product in products.values())
    say(f"商品 {len(products)} 样，规格 {skus} 种；账户 {len(users)} 个，密码 {people.PASSWORD}")

    lots = harvest.plan_harvest(day)
    sales, returns = season.plan_season(day, lots, most=most_acts)
    lots = [lot for lot in lots if lot.packs()]  # of some harvest nothing was sold and nothing is left
    codes = _record(lots, products, settled, users)
    _publish(lots, products, users, opened_at)
    say(f"批次 {len(lots)} 批，上架 {sum(not good.waits_for for good in goods.GOODS)} 样，以 {day} 这一天为准")
    _sell(sales, returns, codes, settled, users, say)
    say(f"线下销售 {len(sales)} 笔，退回 {len(returns)} 笔")
    return Told(day, len(settled.villages), len(settled.cooperatives), len(products), skus, len(lots), len(sales), len(returns))


def _opened_at(day: date) -> datetime:
    return _morning(day) - _OPENED_BEFORE


def _morning(day: date) -> datetime:
    return datetime.combine(day, time(8), tzinfo=SHANGHAI).astimezone(UTC)


def _record(
    lots: Sequence[PlannedLot], products: Mapping[str, MadeProduct], settled: County, users: Mapping[str, UserId]
) -> dict[str, str]:
    """Codes of the lots, by their keys."""
    codes: dict[str, str] = {}
    for lot in lots:
        product = products[lot.good.slug]
        is_own = lot.good.row["coop_id"] == "c-baishui"
        codes[lot.once] = stock.record_lot(
            product.id,
            harvested_on=lot.harvested_on,
            best_before=lot.best_before,
            grade=lot.grade,
            sources=[Source(settled.villages[village], grams) for village, grams in lot.sources().items()],
            packs=[Packed(product.sku_ids[code], units) for code, units in lot.packs().items()],
            by=users[people.PACKER] if is_own else users[people.STAFF],
            once=lot.once,
            now=_morning(lot.ready_on),
        ).code
    return codes


def _publish(lots: Sequence[PlannedLot], products: Mapping[str, MadeProduct], users: Mapping[str, UserId], opened_at: datetime) -> None:
    """Each product goes on the shelf with its first lot, or when the shop opens."""
    first: dict[str, datetime] = {}
    for lot in lots:
        first.setdefault(lot.good.slug, max(opened_at, _morning(lot.ready_on)))
    for slug, published_at in first.items():
        catalog.publish(products[slug].id, by=users[people.STAFF], now=published_at)


def _sell(
    sales: Sequence[PlannedSale],
    returns: Sequence[PlannedReturn],
    codes: Mapping[str, str],
    settled: County,
    users: Mapping[str, UserId],
    say: Callable[[str], None],
) -> None:
    """Sales and returns in the order in which they happened, each told at its own moment."""
    staff = users[people.STAFF]
    happenings: list[PlannedSale | PlannedReturn] = [*sales, *returns]
    happenings.sort(key=lambda each: (each.returned_at if isinstance(each, PlannedReturn) else each.sold_at, each.ref))
    for count, each in enumerate(happenings, start=1):
        if isinstance(each, PlannedSale):
            sell_offline(_offline(each, codes, settled), by=staff, now=each.sold_at)
        else:
            return_offline(
                each.ref,
                each.sale_ref,
                each.units,
                returned_at=each.returned_at,
                restock=each.restock,
                reason=each.reason,
                by=staff,
                now=each.returned_at,
            )
        if count % 100 == 0 and count < len(happenings):
            say(f"线下销售记到第 {count} 笔，共 {len(happenings)} 笔")


def _offline(sale: PlannedSale, codes: Mapping[str, str], settled: County) -> OfflineSale:
    return OfflineSale(
        ref=sale.ref,
        sold_at=sale.sold_at,
        lines=tuple(OfflineLine(line.sku_code, line.quantity, line.price_fen, codes[line.lot.once]) for line in sale.lines),
        district_code=sale.district_code,
        eastern_unit_id=settled.units[sale.unit_slug] if sale.unit_slug else None,
    )
