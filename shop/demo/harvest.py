"""When each product was brought in, by whom, and how much of it should still lie there: pure, counted back from the day of the story.

A harvest is the latest that the season allows; older ones were sold out by the sales of the last three months. So whatever the day, what is out
of season is out of stock, what keeps short is fresh, and the rice is that of the last September.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from shop.demo.goods import GOODS, Good, grams_of

WINDOW_DAYS = 92
"""How far back the sales of the story go."""

Shares = Mapping[str, int]
"""Villages by slug with their per cent of a lot."""


@dataclass
class PlannedLot:
    """A lot as the story will tell it. `sold` grows while the season is planned, and `free` are the units to be left."""

    once: str
    good: Good
    harvested_on: date
    ready_on: date
    """From this day on it is dried, milled, packed and for sale."""
    shares: Shares
    free: Mapping[str, int]
    is_latest: bool
    packed: Mapping[str, int] | None = None
    """Units by SKU code; None: as many as were sold and shall be left."""
    most_sold: Mapping[str, int] = field(default_factory=dict)
    sold: dict[str, int] = field(default_factory=dict)
    grade: str = "一级"

    @property
    def best_before(self) -> date:
        """The last day on which it may be sold."""
        return self.harvested_on + timedelta(days=self.good.shelf_life_days)

    def is_on_sale(self, day: date) -> bool:
        """Whether a fair on that day could have it on its table."""
        return self.ready_on <= day <= self.best_before

    def room(self, code: str) -> int:
        """Units of the SKU that may still be sold from it."""
        return self.most_sold.get(code, _MOST_SOLD) - self.sold.get(code, 0)

    def is_plenty(self, code: str) -> bool:
        """Whether enough is to be left that nobody counts every unit."""
        return self.packed is not None or self.free.get(code, 0) >= _PLENTY

    def packs(self) -> dict[str, int]:
        """Units packed by SKU code."""
        if self.packed is not None:
            return dict(self.packed)
        wanted = {pack.code: self.sold.get(pack.code, 0) + self.free.get(pack.code, 0) for pack in self.good.packs}
        return {code: _up_to(units, 10) if self.is_plenty(code) else units for code, units in wanted.items() if units}

    def sources(self) -> dict[str, int]:
        """Grams by village: what was packed and a little over, as much as whole scales would say."""
        packs = self.packs()
        packed_grams = sum(packs.get(pack.code, 0) * grams_of(pack) for pack in self.good.packs)
        step = next(step for step, from_grams in _STEPS if packed_grams >= from_grams)
        produced_grams = _up_to(packed_grams + packed_grams // 50, step)
        return {village: produced_grams * share // 100 for village, share in self.shares.items()}


_MOST_SOLD = 90
_PLENTY = 20
"""Where fewer are to be left, they are exactly so many: 只剩 6 袋 is six."""
_STEPS = ((10_000, 200_000), (1_000, 20_000), (100, 0))
"""Scales read 10 kg, 1 kg or 100 g: the step, and from how many grams on. A per cent of any is whole grams."""


@dataclass(frozen=True)
class _Yield:
    """How a product comes in."""

    shares: Shares
    free: int
    ready_days: int = 8
    after_days: int = 24
    """Brought in once a season, so long after its first day."""
    every_days: int | None = None
    """Brought in again and again in its season."""


_YIELDS: Mapping[str, _Yield] = {
    "bendi-nuomi": _Yield({"deshengtun": 100}, 82, ready_days=8, after_days=27),
    "zhenzhu-huasheng": _Yield({"gaobatian": 50, "munong": 30, "pingcha": 20}, 124, ready_days=12, after_days=28),
    "yanju-huasheng": _Yield({"gaobatian": 100}, 64, ready_days=9, after_days=54),
    "jinsi-huangju": _Yield({"pingcha": 100}, 118, ready_days=5, after_days=23),
    "jinsi-huangju-lihe": _Yield({"pingcha": 100}, 46, ready_days=6, after_days=25),
    "lanmei-xianguo": _Yield({"liulongshan": 100}, 40, ready_days=0, every_days=7),
    "lanmei-guojiang": _Yield({"liulongshan": 80, "niuchang": 20}, 64, ready_days=4, every_days=60),
    "xian-banli": _Yield({"banliyuan": 100}, 6, ready_days=1, every_days=14),
    "banli-ren": _Yield({"banliyuan": 100}, 31, ready_days=3, every_days=50),
    "yangdujun-gan": _Yield({"wawu": 100}, 5, ready_days=10, after_days=36),
    "xianggu-gan": _Yield({"wawu": 70, "dingjiaxi": 30}, 52, ready_days=10, after_days=17),
    "sungan": _Yield({"niuchang": 100}, 36, ready_days=12, after_days=40),
    "shanchayou": _Yield({"wawu": 60, "dingjiaxi": 40}, 72, ready_days=12, after_days=21),
    "nongjia-caiziyou": _Yield({"dingjiaxi": 100}, 44, ready_days=15, after_days=19),
    "tu-fengmi": _Yield({"niuchang": 75, "liulongshan": 25}, 58, ready_days=6, after_days=26),
    "linxia-tujidan": _Yield({"jiulong": 100}, 45, ready_days=1, every_days=16),
    "nongjia-larou": _Yield({"fengmuping": 100}, 38, ready_days=9, every_days=25),
    "mala-lachang": _Yield({"fengmuping": 100}, 34, ready_days=9, every_days=25),
    "xiao-huangjiang": _Yield({"munong": 100}, 58, ready_days=2, every_days=20),
    "gaoshan-yangyu": _Yield({"pingcha": 100}, 60, ready_days=2, every_days=20),
    "hongshu": _Yield({"munong": 65, "gaobatian": 35}, 66, ready_days=3, every_days=16),
    "hongshu-fen": _Yield({"munong": 60, "gaobatian": 40}, 96, ready_days=6, every_days=60),
    "nuo-yumi": _Yield({"dingjiaxi": 100}, 48, ready_days=3, after_days=52),
    "gan-lajiao": _Yield({"wawu": 55, "dingjiaxi": 45}, 76, ready_days=14, after_days=22),
}

_LEFT_OF_THE_EXPIRED = 3
"""A few units of a last lot that nobody bought in time."""

_RICE = "baishui-gongmi"
_RICE_5K, _RICE_2K5 = "rice-baishui-5k", "rice-baishui-2k5"
_RICE_READY_DAYS = 4


def neighbours() -> dict[str, set[str]]:
    """By cooperative, every village whose harvest goes into one of its lots."""
    found: dict[str, set[str]] = {"baishui": {"baishui", "gaobatian"}}
    for good in GOODS:
        if good.slug in _YIELDS:
            found.setdefault(good.row["coop_id"].partition("-")[2], set()).update(_YIELDS[good.slug].shares)
    return found


def plan_harvest(day: date) -> list[PlannedLot]:
    """Every lot of the story that is told on `day`, oldest harvest first."""
    lots = [lot for good in GOODS if not good.waits_for for lot in (_rice(good, day) if good.slug == _RICE else _lots(good, day))]
    return sorted(lots, key=lambda lot: (lot.ready_on, lot.once))


def _rice(good: Good, day: date) -> list[PlannedLot]:
    """Three fixed lots: what is left of last year's, one of 白水 alone, one blended 7 : 3 as in the worked example (DESIGN §2).

    Of the two on sale, 455 bags of 5 kg are packed and at most 250 sold: the demo keeps 100 free, harvested before October (DESIGN §8).
    """
    ready = timedelta(days=_RICE_READY_DAYS)
    year = day.year if date(day.year, 9, 26) + ready < day else day.year - 1
    old, alone, blended = date(year - 1, 9, 20), date(year, 9, 18), date(year, 9, 26)
    return [
        PlannedLot(f"demo:rice:{old}", good, old, old + ready, {"baishui": 100}, {_RICE_5K: 4}, is_latest=False),
        PlannedLot(
            f"demo:rice:{alone}", good, alone, alone + ready, {"baishui": 100}, {}, is_latest=True,
            packed={_RICE_5K: 260, _RICE_2K5: 240}, most_sold={_RICE_5K: 160, _RICE_2K5: 160}, grade="特级",
        ),
        PlannedLot(
            f"demo:rice:{blended}", good, blended, blended + ready, {"baishui": 70, "gaobatian": 30}, {}, is_latest=True,
            packed={_RICE_5K: 195}, most_sold={_RICE_5K: 90, _RICE_2K5: 0},
        ),
    ]  # fmt: skip


def _lots(good: Good, day: date) -> list[PlannedLot]:
    how = _YIELDS[good.slug]
    days = list(reversed(_harvest_days(good, how, day)))
    latest = days[-1]
    expired = latest + timedelta(days=good.shelf_life_days) < day
    free = min(how.free, _LEFT_OF_THE_EXPIRED) if expired else how.free
    return [
        PlannedLot(
            once=f"demo:{good.slug}:{harvested_on}",
            good=good,
            harvested_on=harvested_on,
            ready_on=harvested_on + timedelta(days=how.ready_days),
            shares=how.shares,
            free={pack.code: free for pack in good.packs} if harvested_on == latest else {},
            is_latest=harvested_on == latest,
        )
        for harvested_on in days
    ]


def _harvest_days(good: Good, how: _Yield, day: date) -> list[date]:
    """Latest first: this season's and the last one's, or every one that the sales of the window could have come from."""
    opened = day - timedelta(days=WINDOW_DAYS)
    ready = timedelta(days=how.ready_days)
    if how.every_days is None:
        latest = _once_a_season(good, how, day - ready - timedelta(days=1))
        return [latest, _once_a_season(good, how, latest - timedelta(days=1))] if latest + ready > opened else [latest]
    every = timedelta(days=how.every_days)
    days = [_last_in_season(good, day - ready - every // 3)]
    while days[-1] + ready > opened and is_in_season(good.harvest_months, days[-1] - every):
        days.append(days[-1] - every)
    return days


def _once_a_season(good: Good, how: _Yield, latest: date) -> date:
    """The last harvest up to `latest` of what is brought in once a year."""
    assert good.harvest_months is not None, f"{good.slug} has no season"
    first_month, _ = good.harvest_months
    harvested_on = date(latest.year, first_month, 1) + timedelta(days=how.after_days)
    return harvested_on if harvested_on <= latest else date(latest.year - 1, first_month, 1) + timedelta(days=how.after_days)


def _last_in_season(good: Good, latest: date) -> date:
    """The last day of harvest up to `latest`; a few days before the season's end if that has passed, since not everybody picks on its last day."""
    found = latest
    while not is_in_season(good.harvest_months, found):
        found -= timedelta(days=1)
    return found if found == latest else found - timedelta(days=GOODS.index(good) % 4)


def is_in_season(months: tuple[int, int] | None, day: date) -> bool:
    """Whether a season from one month to another, perhaps over New Year, holds the day; no season holds every day."""
    if months is None:
        return True
    first, last = months
    return first <= day.month <= last if first <= last else day.month >= first or day.month <= last


def by_sku(lots: Iterable[PlannedLot]) -> dict[str, list[PlannedLot]]:
    """The lots that hold each SKU, by its code, the youngest first."""
    found: dict[str, list[PlannedLot]] = {}
    for lot in sorted(lots, key=lambda lot: lot.ready_on, reverse=True):
        for pack in lot.good.packs:
            found.setdefault(pack.code, []).append(lot)
    return found


def _up_to(number: int, step: int) -> int:
    return -(-number // step) * step
