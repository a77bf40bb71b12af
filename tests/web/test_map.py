"""The public map: a schematic of points, until a real map's approval number is set."""

import pytest
from flask import get_template_attribute

from config import Config
from shop.app import create_app

PLACES = [{"name": "坝黄镇", "value": 5, "east_km": -16.4, "north_km": 0.1, "is_here": False}]


@pytest.mark.parametrize("number", [None, "黔S(2026)000号"])
def test_an_outline_is_drawn_only_with_an_approval_number_which_stands_beneath(number: str | None) -> None:
    app = create_app(Config.from_environment({"SHOP_MAP_APPROVAL": number or ""}))
    with app.test_request_context():
        drawn = get_template_attribute("parts/origin.html", "points")(PLACES, "示意图", "碧江城区")
    assert "map-ring" in drawn
    assert ('class="map-land"' in drawn, "审图号：黔S(2026)000号" in drawn) == (bool(number), bool(number))
