"""Making, publishing, pricing and retiring products; and the words they are found by."""

from datetime import date, datetime

import pytest
from sqlalchemy import func, select

from shop.catalog import service as catalog
from shop.catalog.errors import BadPrice, BadSlug, CannotPublish, Missing, NoSuchProduct, SkuTaken
from shop.catalog.models import NetUnit, Product, ProductStatus, Sku
from shop.catalog.service import MadeProduct, NewProduct, NewSku
from shop.extensions import reading
from shop.kit.ids import CategoryId, ProductId, SkuId
from shop.kit.text import search_patterns
from shop.outbox.models import AuditRow
from shop.stock import service as stock
from shop.stock.service import Source
from tests.factories import MadeCooperative, MadeVillage, make_cooperative, make_village

pytestmark = pytest.mark.usefixtures("app")

BAG = NewSku(
    code="rice-baishui-5k", pack="5 kg 编织袋", pack_en="5 kg woven bag", unit_word="袋",
    net_value=5_000, net_unit=NetUnit.GRAM, packed_grams=5_000, price_fen=68_00,
)  # fmt: skip


def make(now: datetime, *skus: NewSku, **given: object) -> MadeProduct:
    category = catalog.add_category(slug="liangyou", name="粮油", name_en="Grain and oil", tint="grain", position=0)
    told = {
        "slug": "baishui-gongmi", "name": "白水贡米", "name_en": "Baishui tribute rice", "category_id": category,
        "storage": "阴凉干燥通风", "shelf_life_days": 365, "glyph": "米",
    } | given  # fmt: skip
    return catalog.make_product(NewProduct(**told), skus, now=now)


def make_complete(now: datetime, *skus: NewSku, **given: object) -> tuple[MadeProduct, MadeVillage, MadeCooperative]:
    village, cooperative = make_village(), make_cooperative()
    return make(now, *skus, village_id=village.id, cooperative_id=cooperative.id, **given), village, cooperative


def bring_in(product: MadeProduct, village: MadeVillage, now: datetime) -> None:
    stock.record_lot(
        product.id, harvested_on=date(2026, 9, 26), best_before=None, grade="一级", sources=[Source(village.id, 1_000_000)], packs=[],
        by=None, once="lot", now=now,
    )  # fmt: skip


def status_of(product: MadeProduct) -> ProductStatus:
    with reading() as session:
        return session.scalar(select(Product.status).where(Product.id == product.id))


def finds(query: str) -> list[str]:
    """Slugs of the products that hold every token of the query, as the shelves search."""
    with reading() as session:
        held = (Product.search_text.like(pattern, escape="\\") for pattern in search_patterns(query))
        return list(session.scalars(select(Product.slug).where(*held).order_by(Product.slug)))


# ── Making ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_product_made_twice_is_one_product_and_stays_as_it_was(now):
    first = make(now, BAG)
    brick = NewSku(**vars(BAG) | {"code": "rice-baishui-2k5", "price_fen": 36_00})
    again = make(now, NewSku(**vars(BAG) | {"price_fen": 1}), brick, name="别的米")

    assert again.id == first.id
    assert again.sku_ids.keys() == {"rice-baishui-5k", "rice-baishui-2k5"}, "a pack that is new is added"
    with reading() as session:
        assert session.execute(select(Product.name, Product.status, Product.created_at)).one() == ("白水贡米", ProductStatus.DRAFT, now)
        assert set(session.execute(select(Sku.code, Sku.price_fen, Sku.position))) == {
            ("rice-baishui-5k", 68_00, 0),
            ("rice-baishui-2k5", 36_00, 1),
        }


def test_a_code_names_one_pack_for_ever(now):
    make(now, BAG)
    with pytest.raises(SkuTaken) as refused:
        make(now, BAG, slug="bendi-nuomi")
    assert refused.value.code == BAG.code
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(Product)) == 1, "nothing half-made stays"


def test_what_cannot_be_is_refused(now):
    with pytest.raises(BadSlug):
        make(now, slug="白水贡米")
    with pytest.raises(BadPrice):
        make(now, NewSku(**vars(BAG) | {"price_fen": 0}))
    with pytest.raises(NoSuchProduct):
        make(now, category_id=CategoryId(99))


# ── Publishing ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_product_is_published_only_when_anybody_can_say_whose_money_a_sale_is(now):
    nothing = make(now)
    with pytest.raises(CannotPublish) as refused:
        catalog.publish(nothing.id, now=now)
    assert refused.value.missing == set(Missing)

    product, village, _cooperative = make_complete(now, BAG, slug="zhenmi")
    with pytest.raises(CannotPublish) as refused:
        catalog.publish(product.id, now=now)
    assert refused.value.missing == {Missing.LOT_SOURCE}
    assert status_of(product) == ProductStatus.DRAFT

    bring_in(product, village, now)
    catalog.publish(product.id, now=now)
    assert status_of(product) == ProductStatus.PUBLISHED


def test_a_product_without_a_pack_has_nothing_to_offer(now):
    product, village, _cooperative = make_complete(now)
    bring_in(product, village, now)
    with pytest.raises(CannotPublish) as refused:
        catalog.publish(product.id, now=now)
    assert refused.value.missing == {Missing.OFFERED_SKU}


def test_publishing_twice_says_so_once(now):
    product, village, _cooperative = make_complete(now, BAG)
    bring_in(product, village, now)
    catalog.publish(product.id, now=now)
    catalog.publish(product.id, now=now)
    with reading() as session:
        assert list(session.scalars(select(AuditRow.action).where(AuditRow.action.like("product.%")))) == ["product.published"]
        assert session.scalar(select(Product.published_at)) == now


def test_a_retired_product_may_come_back(now):
    product, village, _cooperative = make_complete(now, BAG)
    bring_in(product, village, now)
    catalog.publish(product.id, now=now)
    catalog.retire(product.id, now=now)
    catalog.retire(product.id, now=now)
    assert status_of(product) == ProductStatus.RETIRED
    catalog.publish(product.id, now=now)
    assert status_of(product) == ProductStatus.PUBLISHED


def test_a_draft_that_waited_for_its_origin_gets_it(now):
    product = make(now, BAG, origin_note="产地在石阡县")
    village, cooperative = make_village("坪茶村"), make_cooperative()
    assert finds("坪茶") == []
    catalog.give_origin(product.id, village_id=village.id, cooperative_id=cooperative.id, by=None, now=now)
    assert finds("坪茶") == ["baishui-gongmi"]
    with reading() as session:
        assert session.execute(select(Product.village_id, Product.cooperative_id, Product.origin_note)).one() == (
            village.id,
            cooperative.id,
            "",
        )


def test_what_is_not_there_is_not_found(now):
    for verb in (catalog.publish, catalog.retire):
        with pytest.raises(NoSuchProduct):
            verb(ProductId(99), now=now)
    with pytest.raises(NoSuchProduct):
        catalog.set_price(SkuId(99), 1_00, now=now)


# ── Prices ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_price_changes_with_a_trace_and_the_same_price_without(now):
    sku_id = make(now, BAG).sku_ids[BAG.code]
    catalog.set_price(sku_id, 68_00, now=now)
    catalog.set_price(sku_id, 72_00, now=now)
    with reading() as session:
        assert session.scalar(select(Sku.price_fen)) == 72_00
        assert [row.facts for row in session.scalars(select(AuditRow))] == [{"before": {"price_fen": 68_00}, "after": {"price_fen": 72_00}}]


@pytest.mark.parametrize("price_fen", [0, -1])
def test_nothing_is_given_away_by_a_slip_of_the_keys(now, price_fen: int):
    sku_id = make(now, BAG).sku_ids[BAG.code]
    with pytest.raises(BadPrice):
        catalog.set_price(sku_id, price_fen, now=now)


# ── Words ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "query", ["贡米", "米", "白水", "白水村", "滑石", "粮油", "rice", "Rice", "huashi", "gongmi", "baishui rice", "大米"]
)
def test_rice_is_found_by_what_people_call_it(now, query: str):
    make_complete(now, BAG)
    assert finds(query) == ["baishui-gongmi"]


@pytest.mark.parametrize(
    ("name", "found_by", "not_by"),
    [
        ("糯玉米", ["corn", "玉米", "米", "苞谷"], ["rice", "大米"]),
        ("高山洋芋", ["土豆", "马铃薯", "potato", "洋芋"], ["sweet"]),
        ("珍珠花生（生）", ["花生", "生", "peanut"], ["rice"]),
        ("金丝皇菊礼盒", ["皇菊", "菊花茶", "gift", "chrysanthemum"], ["rice"]),
        ("红薯粉", ["粉条", "noodles", "红薯"], ["地瓜"]),
        ("山茶油", ["oil", "茶油", "油", "粮油"], ["tea"]),
        ("土蜂蜜", ["honey", "蜂蜜", "粮油"], ["油", "粮"]),
    ],
)
def test_other_goods_are_found_by_their_other_names(now, name: str, found_by: list[str], not_by: list[str]):
    make(now, name=name, name_en="Whatever", slug="huo")
    for query in found_by:
        assert finds(query) == ["huo"], query
    for query in not_by:
        assert finds(query) == [], query
