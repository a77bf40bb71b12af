"""Sixteen writers, folders and readers at once: never a fen off at any read."""

import pytest
from flask import Flask

from shop.extensions import dialect
from tests.factories import Pack, make_cooperative, make_lot, make_product, make_village
from tests.reports.test_folding import SPRING, race_folders


@pytest.mark.soak
def test_sixteen_writers_folders_and_readers_are_never_a_fen_off(app: Flask) -> None:
    if dialect() == "sqlite":
        pytest.skip("there one act writes at a time")
    village = make_village()
    nuts = make_product("花生", village=village, cooperative=make_cooperative(villages=(village,)), packs=(Pack(price_fen=999),))
    make_lot(nuts, units=1_000, harvested_on=SPRING)
    assert race_folders(app, nuts.sku, sellers=16, turns=40, folders=4, readers=4) == (640, 640 * 999)
