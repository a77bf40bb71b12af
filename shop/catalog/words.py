"""Other words for the same goods: what buyers type who say 土豆 where the bag says 洋芋, or who ask in English.

Pure. The longest name is taken first and only once, so that 玉米 is corn and not rice.
"""

import re
from collections.abc import Sequence

from shop.kit.pinyin import spellings
from shop.kit.text import search_text, search_tokens

BAR = "|"
"""Between a product's names and what else it is found by; no token holds it."""
_ALSO = {
    "贡米": "rice tribute rice 大米 米饭",
    "糯米": "glutinous rice sticky rice 江米",
    "大米": "rice",
    "米": "rice",
    "糯玉米": "waxy corn maize 苞谷",
    "玉米": "corn maize 苞谷",
    "花生": "peanut groundnut nut 落花生",
    "板栗仁": "chestnut kernel nut 栗子",
    "板栗": "chestnut nut 栗子",
    "皇菊": "chrysanthemum flower tea 菊花 菊花茶",
    "菊": "chrysanthemum flower tea 菊花茶",
    "茶油": "camellia oil 油茶",
    "菜籽油": "rapeseed canola oil 菜油",
    "苔茶": "tea",
    "茶": "tea",
    "蓝莓": "blueberry fruit",
    "果酱": "jam",
    "空心李": "plum fruit 李子",
    "李": "plum fruit 李子",
    "黄桃": "peach fruit 桃子",
    "桃": "peach fruit 桃子",
    "羊肚菌": "morel mushroom 蘑菇 菌子",
    "香菇": "shiitake mushroom 蘑菇 冬菇",
    "菌": "mushroom 蘑菇",
    "笋": "bamboo shoot 竹笋",
    "蜂蜜": "honey 蜜糖",
    "土鸡蛋": "egg 鸡蛋 土蛋",
    "鸡蛋": "egg",
    "腊肉": "bacon pork cured meat 熏肉 猪肉",
    "腊肠": "sausage pork cured meat 香肠 猪肉",
    "黄姜": "ginger 生姜",
    "姜": "ginger 生姜",
    "洋芋": "potato 土豆 马铃薯",
    "土豆": "potato 洋芋 马铃薯",
    "红薯粉": "noodles vermicelli 粉条 粉丝 苕粉",
    "红薯": "sweet potato 地瓜 番薯 红苕",
    "辣椒": "chilli chili pepper 海椒",
    "礼盒": "gift box 礼物 送礼",
}
_NAMES = re.compile("|".join(sorted(_ALSO, key=lambda name: (-len(name), name))))


def also_called(name: str) -> str:
    """The other words for everything that `name` names, between spaces; empty if none is known."""
    return " ".join(dict.fromkeys(_ALSO[found] for found in _NAMES.findall(name)))


def found_text(names: Sequence[str], also: str, places: Sequence[str]) -> str:
    """What a product is kept to be found by: tokens of its names, a bar, those of other words for it and of where it is from; all also as they sound."""
    tokens = dict.fromkeys(token for place in places for token in search_tokens(place))
    sounds = dict.fromkeys(sound for place in places for sound in spellings(place, from_each=False))
    return f"{search_text(*names, *spellings(names[0]))}{BAR}{search_text(also, *spellings(also))} {' '.join((*tokens, *sounds))} "
