"""Labels, marks and prices elsewhere: whole or not there, with certificate, source and day."""

from datetime import date, timedelta

import pytest
from flask import Flask

from shop.catalog.labels import (
    SHOWN_FOR,
    DaysReversed,
    MarkOverlaps,
    NotYet,
    give_mark,
    is_licence,
    marks_of,
    note_price,
    prices_elsewhere,
    withdraw_mark,
)
from shop.catalog.models import MarkKind, NetUnit
from shop.extensions import reading
from tests.factories import make_product
from tests.shopping import NOW

TODAY = date(2026, 11, 23)


def test_a_licence_is_sc_and_fourteen_digits() -> None:
    assert is_licence("SC10152060200012") and not is_licence("SC1015206020001") and not is_licence("QS10152060200012")


def test_a_mark_shows_while_its_certificate_holds(app: Flask) -> None:
    product = make_product()
    times = {"number": "LB-50-1", "issuer": "示例中心", "by": None, "now": NOW}
    give_mark(product.id, MarkKind.GREEN, first_day=TODAY, last_day=TODAY + timedelta(days=9), **times)  # type: ignore[arg-type]
    with pytest.raises(MarkOverlaps):
        give_mark(product.id, MarkKind.GREEN, first_day=TODAY + timedelta(days=9), last_day=TODAY + timedelta(days=99), **times)  # type: ignore[arg-type]
    with pytest.raises(DaysReversed):
        give_mark(product.id, MarkKind.ORGANIC, first_day=TODAY, last_day=TODAY - timedelta(days=1), **times)  # type: ignore[arg-type]
    with reading():
        (mark,) = marks_of(product.id)
    assert [mark.holds_on(TODAY + timedelta(days=days)) for days in (-1, 0, 9, 10)] == [False, True, True, False]
    withdraw_mark(product.id, mark.id, by=None, now=NOW)
    with reading():
        assert not marks_of(product.id)


def test_a_price_elsewhere_is_shown_for_half_a_year(app: Flask) -> None:
    product = make_product()
    seen = {
        "what": "某米 5 kg",
        "price_fen": 7990,
        "net_value": 5000,
        "net_unit": NetUnit.GRAM,
        "source": "示例超市",
        "by": None,
        "now": NOW,
    }
    note_price(product.id, seen_on=TODAY, today=TODAY, **seen)  # type: ignore[arg-type]
    with pytest.raises(NotYet):
        note_price(product.id, seen_on=TODAY + timedelta(days=1), today=TODAY, **seen)  # type: ignore[arg-type]
    with reading():
        (price,) = prices_elsewhere(product.id, today=TODAY + SHOWN_FOR)
        assert price.unit_price.fen == 799
        assert not prices_elsewhere(product.id, today=TODAY + SHOWN_FOR + timedelta(days=1))
