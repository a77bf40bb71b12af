"""What is wrong with a row or a file of sales made by hand, in words: for the page, for the list of bad rows, and for the command."""

from collections.abc import Mapping

from flask_babel import gettext

from shop.acts.sales_file import COLUMNS, LONGEST_REF, BadFile, Trouble
from shop.web.filters import yuan_sign


def file_words(bad: BadFile) -> str:
    """Why nothing of a file was read."""
    return fault_of_file(bad.fault, bad.facts)


def fault_of_file(fault: str, facts: Mapping[str, str | int]) -> str:
    """The same of a fault that was kept."""
    columns = ",".join(COLUMNS)
    words = {
        "empty": lambda: gettext("文件是空的。第一行要是列名：%(columns)s", columns=columns),
        "not_utf8": lambda: gettext("文件不是 UTF-8 编码。在 Excel 里另存为「CSV UTF-8（逗号分隔）」再交。"),
        "not_csv": lambda: gettext("读到第 %(line)s 行读不下去了：不是 CSV，或者少了一个引号。", **facts),
        "columns_missing": lambda: gettext("少了这些列：%(given)s。第一行要是：%(columns)s", given=facts["columns"], columns=columns),
        "columns_unknown": lambda: gettext("多了不认得的列：%(given)s。第一行要是：%(columns)s", given=facts["columns"], columns=columns),
        "columns_twice": lambda: gettext("这些列写了两次：%(given)s。第一行要是：%(columns)s", given=facts["columns"], columns=columns),
    }
    return str(words[fault]())


def trouble_words(trouble: Trouble) -> str:
    """What is wrong with a row and what would be right; one sentence or two."""
    facts = dict(trouble.facts)
    if trouble.fault in ("other_price",):
        facts["paid_yuan"] = yuan_sign(int(facts["paid"]))
    words = {
        "cells": lambda: gettext("这一行有 %(found)s 格，要有 %(wanted)s 格。看看是不是少了或多了逗号。", **facts),
        "unprintable": lambda: gettext("这一格里有看不见的字符，请重新打一遍。"),
        "ref_missing": lambda: gettext("没有编号。每一行要有一个自己的编号。"),
        "ref_long": lambda: gettext("编号太长，最多 %(most)s 个字。", most=LONGEST_REF),
        "ref_twice": lambda: gettext("这个编号在第 %(line)s 行已经用过。每一行要有一个自己的编号。", **facts),
        "ref_taken": lambda: gettext("这个编号以前导入过，内容和这一行不一样。是另一笔就换一个编号；是改错，请退掉原来那笔再记新的。"),
        "sold_at_missing": lambda: gettext("没有时间。写成 2026-11-20T10:30:00+08:00。"),
        "sold_at_unreadable": lambda: gettext("时间「%(given)s」看不懂。写成 2026-11-20T10:30:00+08:00。", **facts),
        "sold_at_without_offset": lambda: gettext("时间「%(given)s」没有写时区。后面加上 +08:00。", **facts),
        "sold_at_too_early": lambda: gettext("时间太早了，要在 %(year)s 年以后。", **facts),
        "sold_at_ahead": lambda: gettext("时间「%(given)s」还没到。只记已经卖出的。", **facts),
        "sku_missing": lambda: gettext("没有写是哪个规格（sku）。"),
        "sku_unknown": lambda: gettext("没有「%(given)s」这个规格，或者它现在不卖。看商品页上的规格编码。", **facts),
        "quantity_unreadable": lambda: gettext("数量「%(given)s」不是整数。卖出写正数，退回写负数。", **facts),
        "quantity_nought": lambda: gettext("数量是 0，没有东西可记。卖出写正数，退回写负数。"),
        "return_not_negative": lambda: gettext("写了退的是哪一笔，数量就要是负数，现在是 %(given)s。", **facts),
        "sale_negative": lambda: gettext("数量是 %(given)s，却没写退的是哪一笔。退回要在 returns 里写卖出那一行的编号。", **facts),
        "quantity_large": lambda: gettext("一行最多 %(most)s 件。", **facts),
        "price_unreadable": lambda: gettext("单价「%(given)s」不是整数。单位是分：68 元写 6800。", **facts),
        "price_nought": lambda: gettext("单价是 0：没有收钱，就没有可记给村里的。送的不算卖的，不要写在这里。"),
        "price_negative": lambda: gettext("单价不能是负数。退回把数量写成负数，单价照卖出时写。"),
        "too_much": lambda: gettext("这一行的金额太大，一行最多 %(most)s 分。", **facts),
        "region_unknown": lambda: gettext("没有「%(given)s」这个行政区划代码。写六位，比如昆山 320583；不知道就空着。", **facts),
        "unit_unknown": lambda: gettext("没有「%(given)s」这个东部单位。写它的代号或全名；没有就空着。", **facts),
        "channel_unknown": lambda: gettext("渠道「%(given)s」不能这样导入。这里只收线下的：写 offline。", **facts),
        "lot_unknown": lambda: gettext("没有「%(given)s」这一批。写袋子上印的批次号；不知道就空着，按先到期先出算。", **facts),
        "not_enough": lambda: gettext("要 %(wanted)s 件，那天能卖的只有 %(available)s 件。先在库存里补记装袋，或改数量。", **facts),
        "month_closed": lambda: gettext("%(month)s 已经结账，不能再记进去。", **facts),
        "never_sold": lambda: gettext("要退的「%(given)s」没有卖过：这份文件里没有记成，以前也没有导入过。", **facts),
        "too_many_back": lambda: gettext("要退 %(wanted)s 件，那一笔最多还能退 %(left)s 件。", **facts),
        "not_of_sale": lambda: gettext("那一笔里没有「%(given)s」。退回的规格和批次要和卖出时一样。", **facts),
        "other_price": lambda: gettext("卖出时的单价是 %(paid)s 分（%(paid_yuan)s）。退回照那个价，或者空着。", **facts),
        "returned_before_sold": lambda: gettext("退回的日子早于卖出的日子 %(day)s。", **facts),
    }
    return str(words[trouble.fault]())
