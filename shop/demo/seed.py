"""The whole story, in the order in which it happened."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from pathlib import Path

from flask import current_app

from shop.acts.sell_offline import OfflineLine, OfflineSale, return_offline, sell_offline
from shop.catalog import service as catalog
from shop.catalog.service import MadeProduct
from shop.catalog.submissions import NotDraft, NothingToDecide, decide, submit
from shop.demo import corrections, county, dividends, goods, harvest, people, season, settlements, transfers
from shop.demo.county import County
from shop.demo.harvest import PlannedLot
from shop.demo.season import PlannedReturn, PlannedSale
from shop.kit.clock import SHANGHAI, business_day
from shop.kit.ids import UserId
from shop.stock import service as stock
from shop.stock.service import Packed, Source

_OPENED_BEFORE = timedelta(days=harvest.WINDOW_DAYS + 8)
"""How long before the day of the story the shop opened: before its first sale."""


_Happening = tuple[datetime, Callable[[], None]]


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


def tell(
    *, now: datetime, most_acts: int = season.MOST_ACTS, is_divided: bool = True, say: Callable[[str], None] = lambda line: None
) -> Told:
    """Make the demo county: places, people, goods, lots, and a season of sales made by hand with their returns, `most_acts` at most.

    Every verb has a key, so telling it again changes nothing: the story stays that of the day on which it was first told. `say` is told each
    chapter. Unless it `is_divided`, no dividend is told, and so no month closed: a county whose books are open from the beginning.
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
    lots = [lot for lot in lots if lot.packs()]  # of some harvests nothing was sold and nothing is left
    say(f"批次 {len(lots)} 批，线下销售 {len(sales)} 笔，退回 {len(returns)} 笔，以 {day} 这一天为准")
    accredited = corrections.accredit(products, users, day=day, instance_path=Path(current_app.instance_path), now=opened_at)
    say(f"帮扶认定 {accredited} 份，一份已过期")
    _Teller(settled, products, users, opened_at).tell(lots, sales, returns, say)
    since = min((business_day(sale.sold_at) for sale in sales), default=day)
    packers = settled.cooperatives[people.PACKERS_COOPERATIVE]
    corrections.propose_one(packers, users, now=now)
    say("批次更正：等人核对一张")
    if is_divided:
        dividends.tell_dividends(packers, users, since=since, day=day, instance_path=Path(current_app.instance_path), now=now)
        say("分红：规则一条，公示一期，等批准一期")
    say(f"结算单 {settlements.tell_settlements(settled, users, day=day, now=now)} 张：已付、等付款、等批准")
    code = "peanut-raw-500"
    pack = next(pack for good in goods.GOODS for pack in good.packs if pack.code == code)
    sku_id = next(product.sku_ids[code] for product in products.values() if code in product.sku_ids)
    transfers.expect_one(sku_id, pack.price_fen, 4, users, day=day, now=now)
    say("银行转账：等一单，没认的一笔")
    return Told(day, len(settled.villages), len(settled.cooperatives), len(products), skus, len(lots), len(sales), len(returns))


def _opened_at(day: date) -> datetime:
    return _morning(day) - _OPENED_BEFORE


def _morning(day: date) -> datetime:
    return datetime.combine(day, time(6), tzinfo=SHANGHAI).astimezone(UTC)


@dataclass
class _Teller:
    """Tells lots, sales and returns as they happened, so that a sale finds on the shelf what lay there on its day."""

    county: County
    products: Mapping[str, MadeProduct]
    users: Mapping[str, UserId]
    opened_at: datetime

    def __post_init__(self) -> None:
        self.codes: dict[str, str] = {}
        """Codes of the lots told so far, by their keys."""
        self.published: set[str] = set()

    def tell(
        self, lots: Sequence[PlannedLot], sales: Sequence[PlannedSale], returns: Sequence[PlannedReturn], say: Callable[[str], None]
    ) -> None:
        happenings = [*self._lots(lots), *self._sales(sales), *self._returns(returns)]
        happenings.sort(key=lambda each: each[0])
        for count, (_at, happen) in enumerate(happenings, start=1):
            happen()
            if count % 100 == 0 or count == len(happenings):
                say(f"记到第 {count} 件，共 {len(happenings)} 件")

    def _lots(self, lots: Sequence[PlannedLot]) -> Iterator[_Happening]:
        for lot in lots:
            ready_at = _morning(lot.ready_on)
            yield ready_at, partial(self._bring_in, lot, ready_at)

    def _sales(self, sales: Sequence[PlannedSale]) -> Iterator[_Happening]:
        for sale in sales:
            yield sale.sold_at, partial(self._sell, sale)

    def _returns(self, returns: Sequence[PlannedReturn]) -> Iterator[_Happening]:
        for back in returns:
            yield back.returned_at, partial(self._take_back, back)

    def _bring_in(self, lot: PlannedLot, ready_at: datetime) -> None:
        """Record the lot; a product goes on the shelf with its first one, or when the shop opens."""
        product = self.products[lot.good.slug]
        is_packers_own = lot.good.row["coop_id"] == f"c-{people.PACKERS_COOPERATIVE}"
        self.codes[lot.once] = stock.record_lot(
            product.id,
            harvested_on=lot.harvested_on,
            best_before=lot.best_before,
            grade=lot.grade,
            sources=[Source(self.county.villages[village], grams) for village, grams in lot.sources().items()],
            packs=[Packed(product.sku_ids[code], units) for code, units in lot.packs().items()],
            by=self.users[people.PACKER if is_packers_own else people.STAFF],
            once=lot.once,
            now=ready_at,
        ).code
        if lot.good.slug not in self.published:
            shelved_at = max(self.opened_at, ready_at)
            with suppress(NotDraft, NothingToDecide):  # told before
                submit(product.id, by=self.users[people.PACKER if is_packers_own else people.ADMIN], now=shelved_at)
                decide(product.id, is_approved=True, why="", by=self.users[people.STAFF], now=shelved_at)
            catalog.publish(product.id, by=self.users[people.STAFF], now=shelved_at)
            self.published.add(lot.good.slug)

    def _sell(self, sale: PlannedSale) -> None:
        lines = (
            OfflineLine(line.sku_code, line.quantity, line.price_fen, self.codes[line.lot.once] if line.is_from_that_lot else None)
            for line in sale.lines
        )
        told = OfflineSale(
            ref=sale.ref,
            sold_at=sale.sold_at,
            lines=tuple(lines),
            district_code=sale.district_code,
            eastern_unit_id=self.county.units[sale.unit_slug] if sale.unit_slug else None,
        )
        sell_offline(told, by=self.users[people.STAFF], now=sale.sold_at)

    def _take_back(self, back: PlannedReturn) -> None:
        return_offline(
            back.ref,
            back.sale_ref,
            back.units,
            returned_at=back.returned_at,
            restock=back.restock,
            reason=back.reason,
            by=self.users[people.STAFF],
            now=back.returned_at,
        )
