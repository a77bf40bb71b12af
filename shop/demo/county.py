"""Towns, villages, cooperatives, and who in the east is paired with whom."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from shop.demo.tables import chinese, rows, slug_of
from shop.kit.ids import CooperativeId, EasternUnitId, TownId, VillageId
from shop.origin import service as origin
from shop.origin.models import PairingKind

COUNTY_CODE, COUNTY_NAME = "520602", "碧江区"


@dataclass(frozen=True)
class County:
    """Whom the rest of the story may name, by slug."""

    villages: Mapping[str, VillageId]
    cooperatives: Mapping[str, CooperativeId]
    units: Mapping[str, EasternUnitId]


def settle(neighbours: Mapping[str, set[str]]) -> County:
    """Tell of the places and the people's houses. `neighbours`: by cooperative, villages whose harvest goes into its lots besides its own products'."""
    towns = _towns()
    villages = _villages(towns)
    cooperatives = _cooperatives(villages, neighbours)
    units = _units()
    _pairings(units, villages, towns)
    return County(villages, cooperatives, units)


# ── Towns and villages ────────────────────────────────────────────────────────────────────────────────────────────────

_SHORT = {
    "滑石侗族苗族土家族乡": "滑石乡",
    "瓦屋侗族乡": "瓦屋乡",
    "六龙山侗族土家族乡": "六龙山乡",
    "和平土家族侗族乡": "和平乡",
}
"""As people say it; 镇 and 街道 are short as they are."""

# Sample texts, Chinese and English: what the land and the season let anybody say, until the cooperatives write their own.
_STORIES = {
    "baishui": (
        "村里种稻。九十月收割，晒干，入冬前碾出新米。邻村高坝田的谷子有一部分送到这里，合成一批碾，各出多少公斤，写在批次上。",
        "The village grows rice. It is cut in September and October, dried in the sun, and milled before winter. Part of the "
        "paddy from neighbouring Gaobatian is brought here and milled in the same batch; how many kilograms came from whom is "
        "written on the batch.",
    ),
    "gaobatian": (
        "坝子高，田在坡上。八九月里花生出土，晒上几个好天，装袋；十月的谷子一部分送到白水，和邻村的合成一批碾米。",
        "The plain lies high, and the fields climb the slope. Peanuts come out of the ground in August and September, dry "
        "through a run of fine days and are bagged; in October part of the paddy goes to Baishui, to be milled together with "
        "the neighbours’.",
    ),
    "pingcha": (
        "夏天挖洋芋，霜降前后采菊。菊花一朵一朵摘，当天烘，烘干了按朵数装罐。",
        "Potatoes in summer, chrysanthemums around the first frost. The flowers are picked one by one, dried the same day, and counted into jars.",
    ),
    "wawu": (
        "山上有油茶，林下有菌子。十月十一月捡茶果榨油，春天出羊肚菌，秋冬出香菇，坡地上还种些辣椒。",
        "Tea-oil trees on the hill, mushrooms under the trees. The fruit is gathered and pressed in October and November; "
        "morels come in spring, shiitake in autumn and winter, and some chillies grow on the slopes.",
    ),
    "dingjiaxi": (
        "五月收油菜籽，榨成菜油；七八月掰玉米，糯的煮熟了真空装起来，能放到冬天。",
        "Rapeseed is cut in May and pressed for oil; maize is picked in July and August, and the sticky kind, cooked and sealed, keeps into winter.",
    ),
    "liulongshan": (
        "蓝莓六月开始熟，一直采到九月。鲜果经不起放，采下就进冷库，路远的熬成果酱再寄。",
        "Blueberries ripen from June and are picked until September. Fresh fruit does not wait: it goes into the cold store as "
        "it is picked, and what has far to travel is cooked into jam first.",
    ),
    "niuchang": (
        "春天挖笋晒干，秋天割蜜。一年出的东西不多，出一样卖一样。",
        "Bamboo shoots are dug and dried in spring, honey is cut in autumn. It is not much in a year; each thing is sold as it comes.",
    ),
    "munong": (
        "坡地种姜和红薯。红薯十月起挖，一部分鲜卖，一部分洗粉，做成红薯粉，一年到头都有。",
        "Ginger and sweet potatoes grow on the slopes. The sweet potatoes are dug from October; some are sold fresh, some are "
        "washed for their starch and made into noodles, which last all year.",
    ),
    "deshengtun": (
        "种糯稻。米粒圆，煮出来黏，过年打糍粑、端午包粽子用的就是它。",
        "The village grows glutinous rice: round grains that cook up sticky, for New Year’s pounded cakes and for the rice "
        "parcels of the Dragon Boat Festival.",
    ),
    "banliyuan": (
        "板栗九十月落果，带壳鲜卖的日子不长；剥出来煮熟装袋的，常年都有。",
        "Chestnuts fall in September and October. They are sold fresh in the shell for only a short while; shelled, cooked and "
        "bagged, there are some all year.",
    ),
    "fengmuping": (
        "腊月里腌肉、灌肠，挂在火塘上慢慢熏。开春以前做完一年的，卖完就等下一个冬天。",
        "In the last month of the year pork is cured and sausages are filled, and both hang over the hearth to smoke slowly. "
        "The year’s supply is made before spring; once it is sold, one waits for the next winter.",
    ),
    "jiulong": (
        "鸡放在林子里养，天亮出去，天黑回来。蛋隔天收一次，三十枚一箱。",
        "The hens live in the woods: out at daybreak, home at dusk. Eggs are gathered every other day, thirty to a box.",
    ),
    "xinglong": (
        "龙田组在六龙山乡，眼下还没有在卖的东西。官方的村名单里没有查到这个社区，归属请结对方确认；没有代码不影响以后记账。",
        "Longtian Group lies in Liulongshan and has nothing for sale yet. The official list of villages does not know this "
        "community; its partners are asked to confirm where it belongs. Having no code will not keep its sales from being "
        "recorded.",
    ),
}


def _towns() -> dict[str, TownId]:
    """By full name."""
    towns: dict[str, TownId] = {}
    for row in rows("villages"):
        name = row["town_zh"]
        if name in towns or not row["nbs_code"]:
            continue  # the town of a village without a code stands in another village's row
        has_point = bool(row["lat"])
        towns[name] = origin.add_town(
            code=row["nbs_code"][:9],
            name=name,
            short_name=_SHORT.get(name, name),
            name_en=row["town_en"],
            county_code=COUNTY_CODE,
            county_name=COUNTY_NAME,
            latitude=float(row["lat"]) if has_point else None,
            longitude=float(row["lng"]) if has_point else None,
        )
    return towns


def _villages(towns: Mapping[str, TownId]) -> dict[str, VillageId]:
    villages: dict[str, VillageId] = {}
    for row in rows("villages"):
        slug = slug_of(row["id"])
        villages[slug] = origin.add_village(
            slug=slug,
            code=row["nbs_code"] or None,
            name=chinese(row["name_zh"]),
            name_en=row["name_en"],
            town_id=towns[row["town_zh"]],
            story=_STORIES[slug][0],
            story_en=_STORIES[slug][1],
            story_is_sample=True,
        )
    return villages


# ── Cooperatives ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _cooperatives(villages: Mapping[str, VillageId], neighbours: Mapping[str, set[str]]) -> dict[str, CooperativeId]:
    """Each with its seat, the villages of the products it sells, and those whose harvest goes into its lots."""
    cooperatives: dict[str, CooperativeId] = {}
    for row in rows("cooperatives"):
        slug = slug_of(row["id"])
        sold = {slug_of(product["village_id"]) for product in rows("products") if product["coop_id"] == row["id"]}
        name = chinese(row["name_zh"])
        cooperatives[slug] = origin.found_cooperative(
            slug=slug,
            name=name,
            short_name=_short_cooperative(name),
            name_en=row["name_en"],
            seat=villages[slug_of(row["village_id"])],
            villages=[villages[village] for village in sold | neighbours.get(slug, set())],
            is_sample=row["note"] == "placeholder",
        )
    return cooperatives


def _short_cooperative(name: str) -> str:
    """`瓦屋村股份经济合作社（示例）` → `瓦屋村合作社`; the flag says 示例."""
    short = name.removesuffix("（示例）")
    for word in ("股份经济", "专业", "种植", "种养"):
        short = short.replace(word, "")
    return short


# ── The east ──────────────────────────────────────────────────────────────────────────────────────────────────────────

_UNITS = {
    "suzhou": ("苏州市", "苏州市", "320500"),
    "kunshan": ("昆山市", "昆山市", "320583"),
    "zhangpu-qiqiao": ("昆山市张浦镇七桥村", "张浦镇 七桥村", "320583"),
    "zhoushi": ("昆山市周市镇", "周市镇", "320583"),
    "zhangjiagang-shangang": ("张家港市善港村", "张家港市 善港村", "320582"),
    "gusu": ("苏州市姑苏区", "姑苏区", "320508"),
}
"""By slug: the full name, the name in `pairings.csv`, the district."""

_KINDS = {
    "city": PairingKind.DEPARTMENT,
    "district": PairingKind.DEPARTMENT,
    "district (other)": PairingKind.INDUSTRY,
    "town": PairingKind.TOWN,
    "village": PairingKind.VILLAGE,
    "village (other county)": PairingKind.VILLAGE,
}
"""Whole cities and districts are no kind of their own (DESIGN §1): their departments carry the pairing; a display of produce is industry."""

_RE_PAIRED = "district end"
"""The row that ends no row of ours by a day: it says what became of the official pairing, and is kept beside it as words."""

_FACTS = {
    ("苏州市", "铜仁市"): "2013 年 2 月国务院办公厅明确对口帮扶，十个区县一一结对。",
    ("昆山市", "碧江区"): "2017 年 10 月东西部扶贫协作结对；55 所学校、15 家卫生机构结对。",
    ("张浦镇 七桥村", "坝黄镇 高坝田村 / 坪茶村"): "两村与七桥村哪个对哪个，没有查到，待双方确认。",
    ("周市镇", "瓦屋侗族乡 / 六龙山侗族土家族乡"): "没有查到结对文件，待双方确认。",
    ("张家港市 善港村", "沿河县 高峰村"): "整村推进帮扶协议。",
    ("姑苏区", "江口县"): "2018 年在平川路陈列江口农产品。",
}
_RE_PAIRED_FACT = "2021 年全国重新结对，铜仁市的官方结对方是东莞市；这里只记昆山与碧江的来往从何时起。"


def _units() -> dict[str, EasternUnitId]:
    return {slug: origin.add_eastern_unit(slug=slug, name=name, district_code=code) for slug, (name, _row, code) in _UNITS.items()}


def _pairings(units: Mapping[str, EasternUnitId], villages: Mapping[str, VillageId], towns: Mapping[str, TownId]) -> None:
    by_row = {name: units[slug] for slug, (_full, name, _code) in _UNITS.items()}
    village_by_name = {row["name_zh"]: villages[slug_of(row["id"])] for row in rows("villages")}
    re_paired = {(row["kunshan_side"], row["bijiang_side"]): row for row in rows("pairings") if row["level"] == _RE_PAIRED}
    for row in rows("pairings"):
        if row["level"] == _RE_PAIRED:
            continue
        sides = (row["kunshan_side"], row["bijiang_side"])
        fact, source = _FACTS[sides], row["source"]
        if later := re_paired.get(sides):
            fact += _RE_PAIRED_FACT
            source += f";{later['source']}"
        for western in _western_names(row["bijiang_side"]):
            origin.pair(
                by_row[row["kunshan_side"]],
                kind=_KINDS[row["level"]],
                western_name=western,
                village_id=village_by_name.get(western.split()[-1]),
                town_id=towns.get(western),
                valid_from=_first_day(row["since"]),
                is_confirmed=row["status"] == "sourced",
                fact=fact,
                source=_source_text(source),
            )


def _western_names(side: str) -> list[str]:
    """`坝黄镇 高坝田村 / 坪茶村` are two places of one town."""
    first, *others = (part.strip() for part in side.split("/"))
    town = first.split()[0] if " " in first else ""
    return [first, *(f"{town} {other}".strip() for other in others)]


def _first_day(since: str) -> date | None:
    """`2017-10` and `2018` name no day; the first one stands for them."""
    if not since:
        return None
    year, _, month = since.partition("-")
    return date(int(year), int(month or 1), 1)


def _source_text(ids: str) -> str:
    """Where the sources can be read, as far as the column holds; without an address, the id in `data/sources.csv` alone."""
    said = {row["id"]: row["source"].split(" ")[0] for row in rows("sources")}
    return "; ".join(f"{id_} {said[id_]}" if said[id_].startswith("http") else id_ for id_ in ids.split(";"))[:200]
