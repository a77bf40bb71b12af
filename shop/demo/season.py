"""A plausible season of sales made by hand: weekend fairs in Kunshan, canteens on weekdays, units that buy for their people; some goods come back.

Pure and the same for the same day: chance is seeded with it. Everything sold was harvested before, had not expired, and still lay in its lot.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random

from shop.demo.goods import GOODS, Pack
from shop.demo.harvest import WINDOW_DAYS, PlannedLot, by_sku
from shop.kit.clock import SHANGHAI

MOST_ACTS = 300
"""Sales and returns together; each is one act, and the whole story is to be told in seconds."""
_RETURNED_OF_SALES = 22
"""One sale in so many comes back in part."""


@dataclass(frozen=True)
class PlannedLine:
    """So many of one SKU out of one lot."""

    sku_code: str
    quantity: int
    price_fen: int
    lot: PlannedLot

    @property
    def is_from_that_lot(self) -> bool:
        """Whether the seller names the lot: where two lie on the table. Else the first to expire is it, since older ones are sold out by then."""
        return self.lot.packed is not None


@dataclass(frozen=True)
class PlannedSale:
    """One sale made by hand."""

    ref: str
    sold_at: datetime
    lines: tuple[PlannedLine, ...]
    district_code: str | None
    unit_slug: str | None


@dataclass(frozen=True)
class PlannedReturn:
    """What came back of one sale."""

    ref: str
    sale_ref: str
    returned_at: datetime
    units: Mapping[str, int]
    reason: str
    restock: bool


@dataclass(frozen=True)
class _Occasion:
    """Where people buy: how many lines, how many of each, what they ask for, and who they are."""

    weight: int
    hours: tuple[int, int]
    most_lines: int
    quantities: tuple[int, int]
    asked_for: Mapping[str, int]
    """SKU codes with how often they are asked for."""
    districts: tuple[str | None, ...]
    unit_slugs: tuple[str | None, ...]


_KUNSHAN, _GUSU, _WUZHONG, _INDUSTRIAL_PARK, _TAICANG, _ZHANGJIAGANG = "320583", "320508", "320506", "320576", "320585", "320582"

_EVERYDAY = {
    "rice-baishui-5k": 9, "rice-baishui-2k5": 7, "rice-nuo-1k": 4, "peanut-raw-500": 7, "peanut-salt-250": 7, "ju-30": 6, "ju-gift": 2,
    "blueberry-500": 8, "blueberry-jam": 4, "chestnut-1k": 8, "chestnut-kernel": 5, "morel-50": 2, "shiitake-250": 4, "bamboo-250": 3,
    "camellia-500": 4, "rapeseed-5l": 4, "honey-500": 5, "egg-30": 8, "bacon-500": 6, "sausage-500": 6, "ginger-1k": 4, "potato-2k5": 5,
    "sweetpotato-2k5": 6, "vermicelli-500": 4, "corn-8": 5, "chili-250": 3,
}  # fmt: skip
_KITCHEN = {
    "rice-baishui-5k": 6, "rapeseed-5l": 6, "egg-30": 6, "potato-2k5": 5, "sweetpotato-2k5": 5, "ginger-1k": 4, "chili-250": 3,
    "shiitake-250": 3, "vermicelli-500": 4, "bamboo-250": 2, "sausage-500": 2, "bacon-500": 2, "peanut-raw-500": 3, "corn-8": 3,
}  # fmt: skip
_PRESENTS = {"ju-gift": 6, "ju-30": 4, "honey-500": 5, "camellia-500": 5, "rice-baishui-2k5": 4, "peanut-salt-250": 3, "chestnut-kernel": 3}

FAIR = _Occasion(
    6, (9, 17), 3, (1, 3), _EVERYDAY, (_KUNSHAN, _KUNSHAN, _KUNSHAN, _KUNSHAN, _GUSU, _INDUSTRIAL_PARK, _TAICANG, None),
    (None, None, None, None, None, None, None, "zhoushi", "zhangpu-qiqiao"),
)  # fmt: skip
CANTEEN = _Occasion(2, (7, 10), 3, (3, 8), _KITCHEN, (_KUNSHAN, _KUNSHAN, _WUZHONG), (None, "kunshan", "zhoushi"))
UNIT = _Occasion(1, (10, 16), 2, (4, 10), _PRESENTS, (_KUNSHAN, _KUNSHAN, _GUSU, _ZHANGJIAGANG), ("kunshan", "zhoushi", "zhangpu-qiqiao"))
COUNTER = _Occasion(2, (9, 18), 2, (1, 2), _EVERYDAY, (_KUNSHAN, _KUNSHAN, _GUSU, None), (None,))

_BY_WEEKDAY = ((COUNTER, UNIT), (CANTEEN, COUNTER), (COUNTER, UNIT), (CANTEEN, COUNTER), (COUNTER,), (FAIR,), (FAIR,))
"""Monday to Sunday."""

_Stalls = Mapping[str, Sequence[PlannedLot]]
"""By SKU code the lots that hold it, the youngest first."""

_REASONS = (("外袋破损", False), ("发错、少发", True), ("买多了，没有开袋", True))

_PACKS: Mapping[str, Pack] = {pack.code: pack for good in GOODS for pack in good.packs}


def plan_season(day: date, lots: Sequence[PlannedLot], *, most: int) -> tuple[list[PlannedSale], list[PlannedReturn]]:
    """Sales in the three months before `day`, in order, with their returns: `most` acts at most. Adds what is sold to each lot's `sold`."""
    chance = Random(f"a season told on {day}")
    days = sorted(_days(chance, day, most * _RETURNED_OF_SALES // (_RETURNED_OF_SALES + 1)))
    stalls = by_sku(lots)
    plans = [_sale(chance, f"demo-{number:04d}", sold_on, stalls) for number, sold_on in enumerate(days, start=1)]
    sales = [sale for sale in plans if sale]
    return sales, _returns(chance, day, sales)


def _days(chance: Random, day: date, count: int) -> list[date]:
    window = [day - timedelta(days=back) for back in range(1, WINDOW_DAYS + 1)]
    return chance.choices(window, [sum(occasion.weight for occasion in _BY_WEEKDAY[each.weekday()]) for each in window], k=count)


def _sale(chance: Random, ref: str, sold_on: date, stalls: _Stalls) -> PlannedSale | None:
    occasions = _BY_WEEKDAY[sold_on.weekday()]
    occasion = chance.choices(occasions, [each.weight for each in occasions])[0]
    lines = tuple(_lines(chance, occasion, sold_on, stalls))
    district, unit = chance.choice(occasion.districts), chance.choice(occasion.unit_slugs)
    sold_at = _moment(chance, sold_on, occasion.hours)
    return PlannedSale(ref, sold_at, lines, district, unit) if lines else None


def _lines(chance: Random, occasion: _Occasion, sold_on: date, stalls: _Stalls) -> list[PlannedLine]:
    lines: list[PlannedLine] = []
    wanted = chance.randint(1, occasion.most_lines)
    offered = {code: weight for code, weight in occasion.asked_for.items() if _on_sale(stalls, code, sold_on)}
    while offered and len(lines) < wanted:
        code = chance.choices([*offered], [*offered.values()])[0]
        del offered[code]  # one line per SKU
        lot = _lot(chance, _on_sale(stalls, code, sold_on), code)
        quantity = min(chance.randint(*occasion.quantities), lot.room(code))
        lot.sold[code] = lot.sold.get(code, 0) + quantity
        lines.append(PlannedLine(code, quantity, _PACKS[code].price_fen, lot))
    return lines


def _on_sale(stalls: _Stalls, code: str, day: date) -> list[PlannedLot]:
    """Lots from which a unit of the SKU could have been sold on that day, the youngest first."""
    return [lot for lot in stalls.get(code, ()) if lot.is_on_sale(day) and lot.room(code) > 0]


def _lot(chance: Random, lots: Sequence[PlannedLot], code: str) -> PlannedLot:
    """The youngest; of two on the table at once, either, as much as lies in each."""
    together = [lot for lot in lots if lot.is_latest] or lots[:1]
    return chance.choices(together, [lot.room(code) for lot in together])[0]


def _returns(chance: Random, day: date, sales: Sequence[PlannedSale]) -> list[PlannedReturn]:
    """Some of what is in a lot that is still for sale, and of which more than a handful is left, comes back within a week."""
    may_return = [
        sale
        for sale in sales
        if _came_back_by(sale) < day and all(line.lot.is_latest and line.lot.is_plenty(line.sku_code) for line in sale.lines)
    ]
    chosen = chance.sample(may_return, min(len(may_return), len(sales) // _RETURNED_OF_SALES))
    return [_return(chance, sale) for sale in sorted(chosen, key=lambda sale: sale.ref)]


_LONGEST_RETURN_DAYS = 6


def _came_back_by(sale: PlannedSale) -> date:
    return sale.sold_at.astimezone(SHANGHAI).date() + timedelta(days=_LONGEST_RETURN_DAYS)


def _return(chance: Random, sale: PlannedSale) -> PlannedReturn:
    line = chance.choice(sale.lines)
    units = chance.randint(1, max(1, line.quantity // 2))
    returned_on = sale.sold_at.astimezone(SHANGHAI).date() + timedelta(days=chance.randint(1, _LONGEST_RETURN_DAYS))
    reason, restock = chance.choice(_REASONS)
    return PlannedReturn(f"{sale.ref}-back", sale.ref, _moment(chance, returned_on, (10, 17)), {line.sku_code: units}, reason, restock)


def _moment(chance: Random, day: date, hours: tuple[int, int]) -> datetime:
    first, last = hours
    local = datetime.combine(day, time(chance.randrange(first, last), chance.randrange(60)), tzinfo=SHANGHAI)
    return local.astimezone(UTC)
