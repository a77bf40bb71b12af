"""What the county sells: shelves, products, packs and prices.

Weights, seasons, shelf lives and storage come from `data/products.csv`; the words here say what anybody who farms or cooks knows, and leave out
what only the cooperative can say. Every price lies within the range of the file and is a placeholder, as the whole product is (`is_sample`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from shop.catalog import service as catalog
from shop.catalog.models import NetUnit
from shop.catalog.service import MadeProduct, NewProduct, NewSku
from shop.demo.county import County
from shop.demo.tables import chinese, rows, slug_of
from shop.kit.ids import CategoryId

G, ML, PIECE = NetUnit.GRAM, NetUnit.MILLILITRE, NetUnit.PIECE


@dataclass(frozen=True)
class Shelf:
    """A category."""

    slug: str
    name: str
    name_en: str
    tint: str


SHELVES = (
    Shelf("liangyou", "粮油", "Grain and oil", "grain"),
    Shelf("jianguo", "坚果", "Nuts", "nut"),
    Shelf("chayin", "茶饮", "Tea", "tea"),
    Shelf("shuiguo", "水果", "Fruit", "fruit"),
    Shelf("shanzhen", "山珍", "Mountain foods", "wood"),
    Shelf("shucai", "蔬菜", "Vegetables", "wood"),
    Shelf("fushi", "副食", "Pantry", "tea"),
    Shelf("danrou", "禽蛋肉类", "Eggs and meat", "meat"),
)


@dataclass(frozen=True)
class Pack:
    """A SKU beside its row of `data/products.csv`, which gives its weight and the range of its price."""

    code: str
    pack: str
    pack_en: str
    unit_word: str
    price_fen: int
    net_unit: NetUnit = G
    net_value: int | None = None
    """None: the grams of the file."""
    grams: int | None = None
    """None: those of the file."""


@dataclass(frozen=True)
class Good:
    """A product beside the rows of its packs."""

    slug: str
    shelf: str
    name: str
    glyph: str
    packs: tuple[Pack, ...]
    summary: str
    summary_en: str
    is_cold_chain: bool = False
    is_perishable: bool = False
    ingredients: str = ""
    standard: str = ""
    waits_for: str = ""
    """Why it is not published; empty: it is."""

    @property
    def row(self) -> dict[str, str]:
        """The row of its first pack, which speaks for the product."""
        return _ROWS[self.packs[0].code]

    @property
    def harvest_months(self) -> tuple[int, int] | None:
        """First and last month of its season; None where there is none."""
        first, _, last = self.row["harvest_months"].partition("-")
        return (int(first), int(last or first)) if first and self.row["harvest_months"] != "1-12" else None

    @property
    def shelf_life_days(self) -> int:
        """How long it keeps."""
        return int(self.row["shelf_life_days"])


_ROWS = {row["sku"]: row for row in rows("products")}

_STORAGE_EN = {
    "阴凉干燥通风": "Cool, dry and airy",
    "阴凉干燥,防虫": "Cool and dry, safe from insects",
    "密封阴凉": "Sealed, in a cool place",
    "密封避光干燥": "Sealed, dark and dry",
    "0-4°C 冷藏": "Refrigerate at 0–4 °C",
    "阴凉;开封冷藏": "Cool; refrigerate once opened",
    "0-4°C 冷藏,透气": "Refrigerate at 0–4 °C, let it breathe",
    "常温避光": "Room temperature, in the dark",
    "密封干燥": "Sealed and dry",
    "避光阴凉": "Dark and cool",
    "阴凉密封": "Cool and sealed",
    "冷藏更佳": "Best in the refrigerator",
    "冷藏/冷冻": "Refrigerate or freeze",
    "阴凉湿润": "Cool and a little moist",
    "阴凉避光": "Cool and dark",
    "13-15°C 干燥": "Dry, at 13–15 °C",
    "阴凉干燥": "Cool and dry",
    "阴凉": "Cool",
    "密封避光 0-5°C": "Sealed and dark, at 0–5 °C",
    "冷藏": "Refrigerate",
    "0-4°C": "Keep at 0–4 °C",
    "": "",
}


def _elsewhere(county: str) -> str:
    return f"产地在{county}，不在碧江区。等那边的村和合作社定下来，再上架。"


GOODS = (
    Good(
        "baishui-gongmi", "liangyou", "白水贡米", "米",
        (
            Pack("rice-baishui-5k", "5 kg 编织袋", "5 kg woven bag", "袋", 68_00),
            Pack("rice-baishui-2k5", "2.5 kg 真空砖", "2.5 kg vacuum brick", "块", 36_00),
        ),
        "九、十月收割的稻谷碾成的米，煮饭熬粥都行。「贡米」是滑石乡一带的旧称，不是认证。",
        "Rice from paddy cut in September and October, for steaming or for porridge. “Tribute rice” is what people around Huashi have "
        "long called it; it is not a certificate.",
        ingredients="稻谷", standard="GB/T 1354-2018",
    ),
    Good(
        "bendi-nuomi", "liangyou", "本地糯米", "糯",
        (Pack("rice-nuo-1k", "1 kg 袋装", "1 kg bag", "袋", 18_00),),
        "包粽子、打糍粑、蒸八宝饭用的糯米。蒸之前浸一晚，熟得匀。",
        "Glutinous rice for zongzi, rice cakes and sweet rice. Soak it overnight and it steams evenly.",
    ),
    Good(
        "zhenzhu-huasheng", "jianguo", "珍珠花生（生）", "生",
        (Pack("peanut-raw-500", "500 g 袋装", "500 g bag", "袋", 16_00),),
        "小粒的生花生，没有炒过。水煮、油炸、炖汤都好。花生是致敏食物。",
        "Small peanuts, raw, for boiling, frying or soup. Peanuts are an allergen.",
    ),
    Good(
        "yanju-huasheng", "jianguo", "盐焗珍珠花生", "盐",
        (Pack("peanut-salt-250", "250 g 罐装", "250 g tin", "罐", 19_80),),
        "盐焗熟的小粒花生，开罐就能吃，吃完盖紧。花生是致敏食物。",
        "Small peanuts roasted in salt, ready to eat; close the tin well. Peanuts are an allergen.",
    ),
    Good(
        "jinsi-huangju", "chayin", "金丝皇菊", "菊",
        (Pack("ju-30", "30 朵，30 g 罐装", "30 flowers, 30 g tin", "罐", 68_00),),
        "整朵烘干的黄菊花，一朵泡一杯。开水冲下去，花在杯里慢慢展开。",
        "Whole yellow chrysanthemums, dried; one flower makes one cup and opens slowly in the hot water.",
    ),
    Good(
        "jinsi-huangju-lihe", "chayin", "金丝皇菊礼盒", "礼",
        (Pack("ju-gift", "60 朵，60 g 礼盒", "60 flowers, 60 g gift box", "盒", 198_00),),
        "六十朵金丝皇菊装成一盒，送人，或者一家人分着喝。",
        "Sixty golden-silk chrysanthemums in a box, to give away or to share at home.",
    ),
    Good(
        "lanmei-xianguo", "shuiguo", "蓝莓鲜果", "莓",
        (Pack("blueberry-500", "4 × 125 g 冷链", "4 × 125 g, chilled", "盒", 49_00),),
        "六月到九月采的鲜果，采下就冷藏，冷链寄出。到手放冰箱，五天内吃完。",
        "Fresh berries, picked from June to September and kept cold all the way. Put them in the refrigerator and eat them within five days.",
        is_cold_chain=True, is_perishable=True,
    ),
    Good(
        "lanmei-guojiang", "fushi", "蓝莓果酱", "酱",
        (Pack("blueberry-jam", "280 g 瓶装", "280 g jar", "瓶", 35_00),),
        "蓝莓熬的果酱，抹面包、拌酸奶。开封以后放冰箱，尽早吃完。",
        "Blueberry jam for bread or yoghurt. Keep it in the refrigerator once opened.",
    ),
    Good(
        "xian-banli", "jianguo", "鲜板栗", "栗",
        (Pack("chestnut-1k", "1 kg 网袋", "1 kg net", "袋", 26_00),),
        "带壳的生板栗，九月、十月落的果。煮、蒸、炒，或者炖鸡。收到就冷藏，趁新鲜吃。",
        "Raw chestnuts in the shell, fallen in September and October, to boil, roast or stew. Refrigerate them on arrival and eat them fresh.",
        is_cold_chain=True, is_perishable=True,
    ),
    Good(
        "banli-ren", "jianguo", "板栗仁（即食）", "仁",
        (Pack("chestnut-kernel", "5 × 100 g", "5 × 100 g", "份", 39_00),),
        "剥好、煮熟的板栗仁，分成五小袋，撕开就吃，也可以烧肉、煮粥。",
        "Chestnuts shelled and cooked, in five small bags: to eat as they are, or for stews and porridge.",
    ),
    Good(
        "yangdujun-gan", "shanzhen", "羊肚菌（干）", "菌",
        (Pack("morel-50", "50 g 罐装", "50 g tin", "罐", 98_00),),
        "干羊肚菌。温水泡二十分钟，泡菌的水滤清了一起炖汤。要煮熟再吃。",
        "Dried morels. Soak them for twenty minutes in warm water, strain it and cook it with them. Never eat them raw.",
    ),
    Good(
        "xianggu-gan", "shanzhen", "香菇（干）", "菇",
        (Pack("shiitake-250", "250 g 袋装", "250 g bag", "袋", 38_00),),
        "干香菇。冷水慢慢泡开，炒菜、炖鸡、包饺子都用得上。",
        "Dried shiitake. Soak them slowly in cold water, then fry or stew them.",
    ),
    Good(
        "sungan", "shanzhen", "笋干", "笋",
        (Pack("bamboo-250", "250 g 袋装", "250 g bag", "袋", 32_00),),
        "春笋晒的干。先泡一晚，煮软了再炒，或者和肉一起炖。",
        "Spring bamboo shoots, dried. Soak them overnight and boil them soft before frying or stewing.",
    ),
    Good(
        "shanchayou", "liangyou", "山茶油", "油",
        # half a litre of camellia oil weighs about 460 g (0.92 g/mL); the file's 500 g is its volume
        (Pack("camellia-500", "500 mL 瓶装", "500 mL bottle", "瓶", 108_00, ML, 500, 460),),
        "油茶籽榨的油，炒菜、凉拌都可以。避光放，天冷会起絮，暖一暖就清。",
        "Oil pressed from camellia seeds, for frying or dressing. Keep it dark; it clouds in the cold and clears when warm.",
    ),
    Good(
        "nongjia-caiziyou", "liangyou", "农家菜籽油", "油",
        (Pack("rapeseed-5l", "5 L 桶装", "5 L can", "桶", 108_00, ML, 5_000),),
        "油菜籽榨的油，五升一桶。炒菜、炸辣椒油，一家人够吃一阵。",
        "Oil pressed from rapeseed, five litres to the can, for everyday frying.",
    ),
    Good(
        "tu-fengmi", "fushi", "土蜂蜜", "蜜",
        (Pack("honey-500", "500 g 瓶装", "500 g jar", "瓶", 88_00),),
        "秋天割的蜜。天冷会结晶，隔温水化开就好。一岁以下的婴儿不要吃。",
        "Honey taken in autumn. It sets in the cold; stand the jar in warm water. Not for babies under one year.",
    ),
    Good(
        "linxia-tujidan", "danrou", "林下土鸡蛋", "蛋",
        (Pack("egg-30", "30 枚，约 1.5 kg", "30 eggs, about 1.5 kg", "箱", 52_00, PIECE, 30),),
        "养在林子里的鸡下的蛋，三十枚一箱，珍珠棉隔开。大小不一，收到先看有没有破的。",
        "Eggs of hens kept in the woods, thirty in a padded box. They differ in size; look for cracks when they arrive.",
        is_perishable=True,
    ),
    Good(
        "nongjia-larou", "danrou", "农家腊肉", "腊",
        (Pack("bacon-500", "500 g 真空", "500 g vacuum pack", "袋", 62_00),),
        "冬天腌、熏的猪肉。热水洗净，煮透了再切片，炒或者蒸。",
        "Pork cured and smoked in winter. Wash it in hot water and boil it through before slicing.",
        is_cold_chain=True,
    ),
    Good(
        "mala-lachang", "danrou", "麻辣腊肠", "肠",
        (Pack("sausage-500", "500 g 真空", "500 g vacuum pack", "袋", 56_00),),
        "冬天灌的麻辣腊肠。蒸熟或煮熟了切片，生的不能吃。",
        "Hot and numbing sausage, made in winter. Steam or boil it before slicing; it is not to be eaten raw.",
        is_cold_chain=True,
    ),
    Good(
        "xiao-huangjiang", "shucai", "小黄姜", "姜",
        (Pack("ginger-1k", "1 kg 箱装", "1 kg box", "箱", 22_00),),
        "个头小的黄姜，带一点泥才好放。去腥、煮姜茶、泡姜都行。",
        "Small yellow ginger; a little soil on it helps it keep. For cooking, ginger tea or pickling.",
        is_perishable=True,
    ),
    Good(
        "gaoshan-yangyu", "shucai", "高山洋芋", "芋",
        (Pack("potato-2k5", "2.5 kg 箱装", "2.5 kg box", "箱", 22_80),),
        "洋芋就是土豆，六月、七月挖。避光放，发芽、发青的不要吃。",
        "Potatoes, dug in June and July. Keep them in the dark, and do not eat green or sprouting ones.",
        is_perishable=True,
    ),
    Good(
        "hongshu", "shucai", "红薯", "薯",
        (Pack("sweetpotato-2k5", "2.5 kg 箱装", "2.5 kg box", "箱", 25_80),),
        "十月、十一月挖的红薯，蒸、烤、煮粥。放干一点的地方，别进冰箱。",
        "Sweet potatoes, dug in October and November, to steam, bake or cook in porridge. Keep them dry and out of the refrigerator.",
        is_perishable=True,
    ),
    Good(
        "hongshu-fen", "fushi", "红薯粉", "粉",
        (Pack("vermicelli-500", "500 g 袋装", "500 g bag", "袋", 18_80),),
        "红薯淀粉做的干粉条。先泡软，再煮、炒、下火锅。",
        "Dried noodles of sweet-potato starch. Soak them soft, then boil or fry them.",
    ),
    Good(
        "nuo-yumi", "shucai", "糯玉米", "玉",
        (Pack("corn-8", "8 根，约 2 kg 真空", "8 cobs, about 2 kg, vacuum pack", "箱", 36_00, PIECE, 8),),
        "整根的糯玉米，一根一袋真空装。连袋蒸热就吃。",
        "Whole cobs of waxy corn, each vacuum-packed. Steam them in the bag.",
    ),
    Good(
        "gan-lajiao", "fushi", "干辣椒", "椒",
        (Pack("chili-250", "250 g 袋装", "250 g bag", "袋", 19_80),),
        "整个晒干的辣椒，炝锅、炸辣椒油、做糊辣椒。扎紧袋口，别受潮。",
        "Whole dried chillies for frying, chilli oil and dips. Close the bag well against damp.",
    ),
    Good(
        "shiqian-taicha", "chayin", "石阡苔茶", "茶",
        (Pack("tea-shiqian-100", "100 g 罐装", "100 g tin", "罐", 98_00),),
        "石阡县的茶。", "Tea from Shiqian county.",
        waits_for=_elsewhere("石阡县"),
    ),
    Good(
        "jiangkou-luobozhu-larou", "danrou", "江口萝卜猪腊肉", "腊",
        (Pack("luobozhu-500", "500 g 真空", "500 g vacuum pack", "袋", 88_00),),
        "江口县的腊肉。", "Smoked pork from Jiangkou county.",
        is_cold_chain=True, waits_for=_elsewhere("江口县"),
    ),
    Good(
        "shazi-kongxinli", "shuiguo", "沙子空心李", "李",
        (Pack("plum-1k5", "1.5 kg 冷链", "1.5 kg, chilled", "箱", 68_00),),
        "沿河县的李子。", "Plums from Yanhe county.",
        is_cold_chain=True, is_perishable=True, waits_for=_elsewhere("沿河县"),
    ),
    Good(
        "yuping-huangtao", "shuiguo", "玉屏黄桃", "桃",
        (Pack("peach-2k5", "2.5 kg 箱装", "2.5 kg box", "箱", 52_00),),
        "玉屏县的黄桃。", "Yellow peaches from Yuping county.",
        is_cold_chain=True, is_perishable=True, waits_for=_elsewhere("玉屏县"),
    ),
)  # fmt: skip


def stock_the_shelves(county: County, *, now: datetime) -> dict[str, MadeProduct]:
    """Tell of every product with its packs, all as drafts; by slug."""
    shelves = {
        shelf.slug: catalog.add_category(slug=shelf.slug, name=shelf.name, name_en=shelf.name_en, tint=shelf.tint, position=position)
        for position, shelf in enumerate(SHELVES)
    }
    return {good.slug: catalog.make_product(_product(good, shelves, county), _skus(good), now=now) for good in GOODS}


def _product(good: Good, shelves: Mapping[str, CategoryId], county: County) -> NewProduct:
    row, months = good.row, good.harvest_months
    return NewProduct(
        slug=good.slug,
        name=good.name,
        name_en=row["name_en"],
        category_id=shelves[good.shelf],
        summary=good.summary,
        summary_en=good.summary_en,
        cooperative_id=county.cooperatives[slug_of(row["coop_id"])] if row["coop_id"] else None,
        village_id=county.villages[slug_of(row["village_id"])] if row["village_id"] else None,
        illustration=row["image"] or None,
        glyph=good.glyph,
        storage=chinese(row["storage"])
        .replace(",", "，")
        .replace(";", "；")
        .replace("0-4", "0–4")
        .replace("0-5", "0–5")
        .replace("13-15", "13–15"),
        storage_en=_STORAGE_EN[row["storage"]],
        shelf_life_days=good.shelf_life_days,
        first_harvest_month=months[0] if months else None,
        last_harvest_month=months[1] if months else None,
        is_cold_chain=good.is_cold_chain,
        is_perishable=good.is_perishable,
        ingredients=good.ingredients,
        standard=good.standard,
        origin_note=good.waits_for,
        is_sample=True,
    )


def _skus(good: Good) -> list[NewSku]:
    return [
        NewSku(
            code=pack.code,
            pack=pack.pack,
            pack_en=pack.pack_en,
            unit_word=pack.unit_word,
            net_value=pack.net_value or int(_ROWS[pack.code]["net_g"]),
            net_unit=pack.net_unit,
            packed_grams=grams_of(pack),
            price_fen=pack.price_fen,
        )
        for pack in good.packs
    ]


def grams_of(pack: Pack) -> int:
    """Weight of the content."""
    return pack.grams or int(_ROWS[pack.code]["net_g"])
