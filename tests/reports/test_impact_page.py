"""The public figures: those of the books, without small counts."""

import csv
import io
from datetime import UTC, date, datetime

from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from shop.reports.impact_page import FEW, ImpactPage, impact_page, publishable
from tests.books import refund, sell
from tests.factories import Pack, make_lot, make_product, make_villages
from tests.statements import count_statements

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
TODAY = date(2026, 11, 23)


def page(year: int | None = None) -> ImpactPage:
    return impact_page(year=year, now=NOW, today=TODAY)


@given(st.lists(st.integers(min_value=0, max_value=40), max_size=8))
def test_no_small_count_is_told_and_never_is_just_one_kept_back(counts: list[int]) -> None:
    told = publishable(counts)
    hidden = [count for count, shown in zip(counts, told, strict=True) if shown is None]
    assert all(shown is None or shown == count for count, shown in zip(counts, told, strict=True))
    assert all(shown is None or shown == 0 or shown >= FEW for shown in told)
    assert len(hidden) != 1 or sum(count > 0 for count in counts) == 1
    assert not hidden or any(0 < count < FEW for count in hidden)


def test_an_empty_shop_says_nought(app: Flask) -> None:
    empty = page()
    assert (empty.total.net_fen, empty.villages, empty.points, empty.years) == (0, (), (), ())


def test_every_table_adds_up_to_the_total(app: Flask) -> None:
    baishui, gaobatian = make_villages("白水村", "高坝田村")
    product = make_product(packs=[Pack(68_00, 5_000)])
    make_lot(product, sources=[(baishui, 700_000), (gaobatian, 300_000)], harvested_on=date(2025, 9, 1))
    sale = sell((product.sku, 3), on=date(2026, 9, 30))
    refund(sale, 1, on=TODAY)
    sell((product.sku, 1), on=date(2025, 11, 30))
    with count_statements() as seen:
        shown = page()
    assert len(seen) == 7
    assert (shown.since, shown.until) == (date(2025, 12, 1), TODAY)
    assert (shown.total.gross_fen, shown.total.refunds_fen, shown.total.net_fen) == (204_00, 68_00, 136_00)
    for rows in shown.parts.values():
        assert sum(row.net_fen for row in rows) == 136_00
    assert [(row.name, row.slug, row.net_fen, row.lines) for row in shown.villages] == [
        ("白水村", baishui.slug, 95_20, None),
        ("高坝田村", gaobatian.slug, 40_80, None),
    ]
    assert [(row.name, row.net_fen) for row in shown.months if row.net_fen] == [("2026-09", 204_00), ("2026-11", -68_00)]
    assert len(shown.months) == 12, "months in which nothing happened are there"


def test_files_say_the_same_numbers(app: Flask) -> None:
    product = make_product(packs=[Pack(68_00, 5_000)])
    make_lot(product)
    sell((product.sku, 1), on=TODAY)
    shown = page()
    told = shown.as_json()
    assert told["total"]["net_fen"] == 68_00 and told["by_village"][0]["lines"] is None  # type: ignore[index]
    rows = list(csv.DictReader(io.StringIO(shown.as_csv().decode("utf-8-sig"))))
    assert {(row["by"], row["net_fen"]) for row in rows if row["net_fen"] != "0"} == {
        (by, "6800") for by in ("village", "town", "month", "channel", "total")
    }
