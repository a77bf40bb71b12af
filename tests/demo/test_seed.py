"""The demo county, seeded once for each database; the plan behind it, for many days."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask, has_app_context
from sqlalchemy import Select, func, select

from config import ROOT, Config
from shop.accounts.models import User
from shop.accounts.queries import find_account, find_credentials
from shop.accounts.roles import Role
from shop.accounts.service import check_password
from shop.catalog.models import Category, Product, ProductStatus, Sku
from shop.cli.seed import demo
from shop.demo import harvest, season
from shop.demo.goods import GOODS, SHELVES
from shop.demo.seed import Told, tell
from shop.demo.tables import rows
from shop.extensions import db, reading
from shop.kit.clock import business_day
from shop.kit.ids import SkuId, UserId
from shop.kit.text import search_patterns
from shop.ledger.models import Attribution
from shop.models import accounts, catalog, ledger, orders, origin, outbox, stock
from shop.orders.models import Channel, Order, OrderLine, Return
from shop.origin.models import Cooperative, CooperativeVillage, EasternUnit, Pairing, PairingKind, Town, Village
from shop.origin.queries import cooperatives_of
from shop.reports.verify import verify
from shop.stock.holding import free_units
from shop.stock.models import Lot, LotSource, StockItem
from tests.database import TestDatabase

DAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
FEW_ACTS = 60
"""Enough for every kind of sale; the plan of the whole season is tested without a database."""

TABLES = [
    model.__table__
    for module in (accounts, catalog, ledger, orders, origin, outbox, stock)
    for model in vars(module).values()
    if hasattr(model, "__table__")
]


@pytest.fixture(scope="module")
def told(database: TestDatabase) -> Iterator[Told]:
    """The story, told once; its tests only read, or tell it again."""
    database.renew()
    with database.app.app_context():
        yield tell(now=NOW, most_acts=FEW_ACTS)


@pytest.fixture(autouse=True)
def _ends_reading() -> Iterator[None]:
    yield
    if has_app_context():
        db.session.close()


def count(model: type, *where: object) -> int:
    return db.session.scalar(select(func.count()).select_from(model).where(*where))


def _pairs(query: Select) -> dict:
    return {key: value for key, value in db.session.execute(query)}  # noqa: C416  # a Result is no mapping of pairs


def everything() -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table that the story touches."""
    with reading() as session:
        return {table.name: sorted(map(tuple, session.execute(select(table))), key=str) for table in TABLES}


# ── Places and goods ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_county_is_complete(told: Told):
    assert (told.day, told.villages, told.cooperatives, told.products, told.skus) == (DAY, 13, 9, 29, 30)
    assert [count(model) for model in (Village, Town, Cooperative, Category, Product, Sku)] == [13, 8, 9, len(SHELVES), 29, 30]
    assert set(db.session.scalars(select(Sku.code))) == {row["sku"] for row in rows("products")}


def test_codes_and_names_are_the_official_ones(told: Told):
    codes = _pairs(select(Village.slug, Village.code))
    assert codes["baishui"] == "520602201202"
    assert [slug for slug, code in codes.items() if code is None] == ["xinglong"]
    town_of = _pairs(select(Village.slug, Town.name).join(Town, Town.id == Village.town_id))
    assert town_of["xinglong"] == town_of["niuchang"] == "六龙山侗族土家族乡"
    points = _pairs(select(Town.short_name, Town.latitude))
    assert points["坝黄镇"] == 27.71806
    assert points["滑石乡"] is None, "a place without coordinates gets none"


def test_what_is_a_placeholder_says_so(told: Told):
    assert count(Product, Product.is_sample) == count(Product)
    assert count(Village, Village.story_is_sample, Village.story != "") == 13
    samples = _pairs(select(Cooperative.name, Cooperative.is_sample))
    assert [name for name, is_sample in samples.items() if not is_sample] == ["白水大米专业合作社"]
    assert all("（示例）" in name for name, is_sample in samples.items() if is_sample)


def test_goods_of_other_counties_wait_as_drafts_and_were_never_sold(told: Told):
    drafts = db.session.execute(select(Product).where(Product.status == ProductStatus.DRAFT)).scalars().all()
    assert {draft.slug for draft in drafts} == {"shiqian-taicha", "jiangkou-luobozhu-larou", "shazi-kongxinli", "yuping-huangtao"}
    assert all(draft.origin_note and draft.village_id is None for draft in drafts)
    assert count(Product, Product.status == ProductStatus.PUBLISHED) == 25
    assert count(Lot, Lot.product_id.in_([draft.id for draft in drafts])) == 0
    assert count(OrderLine, OrderLine.product_id.in_([draft.id for draft in drafts])) == 0


def test_prices_are_those_that_the_pages_were_drawn_with(told: Told):
    prices = _pairs(select(Sku.code, Sku.price_fen))
    shown = {
        "rice-baishui-5k": 68_00, "rice-baishui-2k5": 36_00, "ju-30": 68_00, "camellia-500": 108_00, "sweetpotato-2k5": 25_80,
        "chestnut-1k": 26_00, "ginger-1k": 22_00, "honey-500": 88_00, "bacon-500": 62_00, "peanut-raw-500": 16_00,
        "peanut-salt-250": 19_80, "rapeseed-5l": 108_00, "ju-gift": 198_00, "chestnut-kernel": 39_00,
    }  # fmt: skip
    assert {code: prices[code] for code in shown} == shown
    for row in rows("products"):
        assert int(row["price_low_cny"]) * 100 <= prices[row["sku"]] <= int(row["price_high_cny"]) * 100, row["sku"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("花生", {"zhenzhu-huasheng", "yanju-huasheng"}),
        ("贡米", {"baishui-gongmi"}),
        ("皇菊", {"jinsi-huangju", "jinsi-huangju-lihe"}),
        ("白水", {"baishui-gongmi"}),
        ("米", {"baishui-gongmi", "bendi-nuomi", "nuo-yumi"}),
        ("rice", {"baishui-gongmi", "bendi-nuomi"}),
        ("土豆", {"gaoshan-yangyu"}),
        ("高坝田", {"zhenzhu-huasheng", "yanju-huasheng", "xiao-huangjiang", "hongshu", "hongshu-fen"}),
    ],
)
def test_search_finds_what_people_type(told: Told, query: str, found: set[str]):
    held = (Product.search_text.like(pattern, escape="\\") for pattern in search_patterns(query))
    assert set(db.session.scalars(select(Product.slug).where(*held))) == found


def test_pairings_say_what_is_known_and_what_is_not(told: Told):
    pairings = db.session.execute(select(EasternUnit.slug, Pairing).join(Pairing, Pairing.unit_id == EasternUnit.id)).all()
    confirmed = {(slug, pairing.western_name) for slug, pairing in pairings if pairing.is_confirmed}
    assert confirmed == {
        ("suzhou", "铜仁市"), ("kunshan", "碧江区"), ("zhangjiagang-shangang", "沿河县 高峰村"), ("gusu", "江口县"),
    }  # fmt: skip
    kunshan = next(pairing for slug, pairing in pairings if slug == "kunshan")
    assert kunshan.valid_from == date(2017, 10, 1)
    assert "东莞" in kunshan.fact, "the national re-pairing of 2021 is not hidden"
    villages = {pairing.western_name: (pairing.kind, pairing.village_id) for slug, pairing in pairings if slug == "zhangpu-qiqiao"}
    assert villages.keys() == {"坝黄镇 高坝田村", "坝黄镇 坪茶村"}
    assert all(kind == PairingKind.VILLAGE and village_id is not None for kind, village_id in villages.values())


# ── People ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_everybody_of_the_demo_can_sign_in_where_demo_accounts_may(told: Told):
    roles = {
        "buyer": set(), "union": set(), "baishui": set(), "staff": {Role.OPERATIONS}, "finance": {Role.FINANCE}, "admin": {Role.ADMIN},
    }  # fmt: skip
    for name, expected in roles.items():
        credentials = find_credentials(email=f"{name}@demo.test")
        account = find_account(credentials.user_id)
        assert account.is_demo
        assert account.roles == expected
        assert "示例" in account.name
    assert count(User) == len(roles)
    assert check_password(email="staff@demo.test", phone=None, password="shanhai-demo", allow_demo=True)


def test_the_packer_works_for_baishui_and_the_union_is_credited_to_a_town(told: Told):
    def account(email: str) -> UserId:
        return find_credentials(email=email).user_id

    own = cooperatives_of(account("baishui@demo.test"))
    assert [db.session.scalar(select(Cooperative.slug).where(Cooperative.id == id_)) for id_ in own] == ["baishui"]
    unit = find_account(account("union@demo.test")).eastern_unit_id
    assert db.session.scalar(select(EasternUnit.name).where(EasternUnit.id == unit)) == "昆山市周市镇"


# ── Stock and sales ───────────────────────────────────────────────────────────────────────────────────────────────────


def free(code: str, day: date = DAY) -> int:
    sku_id = SkuId(db.session.scalar(select(Sku.id).where(Sku.code == code)))
    return free_units([sku_id], today=day).get(sku_id, 0)


def test_a_hundred_bags_of_rice_stay_free_harvested_before_october(told: Told):
    left = (
        select(func.sum(StockItem.packed - StockItem.held - StockItem.sold - StockItem.written_off))
        .join(Lot, Lot.id == StockItem.lot_id)
        .join(Sku, Sku.id == StockItem.sku_id)
        .where(Sku.code == "rice-baishui-5k", Lot.best_before >= DAY, Lot.harvested_on < date(2026, 10, 1))
    )
    assert db.session.scalar(left) == free("rice-baishui-5k") >= 100


def test_the_shelves_show_every_state_of_stock(told: Told):
    assert free("chestnut-1k") == 6, "nearly sold out"
    assert free("blueberry-500") == 0, "out of season"
    expired = db.session.scalars(select(Lot.code).where(Lot.best_before < DAY, Lot.product_id == _product("baishui-gongmi"))).all()
    assert expired, "last year's rice"
    published = select(Product.id).where(Product.status == ProductStatus.PUBLISHED)
    assert set(db.session.scalars(select(Lot.product_id))) == set(db.session.scalars(published)), "every published product has a lot"


def _product(slug: str) -> int:
    return db.session.scalar(select(Product.id).where(Product.slug == slug))


def test_several_lots_are_blended_and_only_of_the_cooperatives_own_villages(told: Told):
    sources = db.session.execute(
        select(Lot.id, Lot.cooperative_id, LotSource.village_id, LotSource.grams).join(LotSource, LotSource.lot_id == Lot.id)
    ).all()
    members = {tuple(row) for row in db.session.execute(select(CooperativeVillage.cooperative_id, CooperativeVillage.village_id))}
    assert {(row.cooperative_id, row.village_id) for row in sources} <= members
    counts: dict[int, int] = {}
    for row in sources:
        counts[row.id] = counts.get(row.id, 0) + 1
    assert sum(number == 2 for number in counts.values()) >= 3
    assert max(counts.values()) == 3
    seven_to_three = (
        select(Village.slug, LotSource.grams)
        .join(Village, Village.id == LotSource.village_id)
        .join(Lot, Lot.id == LotSource.lot_id)
        .where(Lot.harvested_on == date(2026, 9, 26), Lot.product_id == _product("baishui-gongmi"))
    )
    assert _pairs(seven_to_three) == {"baishui": 700_000, "gaobatian": 300_000}


def test_sales_are_offline_and_every_fen_of_them_found_its_village(told: Told):
    assert told.sales + told.returns <= FEW_ACTS
    assert told.returns > 0
    assert count(Order, Order.channel == Channel.OFFLINE) == told.sales == count(Order) - 1, "one order waits for a bank transfer"
    assert count(Return) == told.returns
    sold = select(func.sum(OrderLine.net_fen)).join(Order, Order.id == OrderLine.order_id).where(Order.sold_on.is_not(None))
    sold_fen = db.session.scalar(sold)
    returned_fen = db.session.scalar(select(func.sum(Return.goods_fen)))
    assert db.session.scalar(select(func.sum(Attribution.amount_fen))) == sold_fen - returned_fen
    assert db.session.scalar(select(func.min(Order.sold_on))) >= DAY - timedelta(days=harvest.WINDOW_DAYS)
    assert db.session.scalar(select(func.max(Order.sold_on))) < DAY
    assert count(Order, Order.eastern_unit_id.is_not(None)) > 0


def test_the_books_hold(told: Told):
    assert [check.name for check in verify() if not check.ok] == []


# ── Told again ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("days_later", [0, 40])
def test_telling_it_again_changes_nothing_whatever_the_day(told: Told, days_later: int):
    before = everything()
    again = tell(now=NOW + timedelta(days=days_later), most_acts=FEW_ACTS)
    assert again == told
    assert everything() == before


# ── The plan ──────────────────────────────────────────────────────────────────────────────────────────────────────────

DAYS = [date(2026, 10, 1) + timedelta(days=13 * step) for step in range(15)]
"""From October to the end of March."""


@pytest.mark.parametrize("day", DAYS, ids=str)
def test_a_season_is_plausible_on_any_day(day: date):
    lots = harvest.plan_harvest(day)
    sales, returns = season.plan_season(day, lots, most=400)
    assert 350 < len(sales) + len(returns) <= 400
    assert len({sale.ref for sale in sales}) == len(sales)
    for sale in sales:
        sold_on = business_day(sale.sold_at)
        assert day - timedelta(days=harvest.WINDOW_DAYS) <= sold_on < day
        assert all(line.quantity > 0 and line.lot.ready_on <= sold_on <= line.lot.best_before for line in sale.lines)
    for lot in lots:
        assert lot.ready_on < day
        assert all(lot.packs().get(code, 0) >= sold for code, sold in lot.sold.items())
        assert harvest.is_in_season(lot.good.harvest_months, lot.harvested_on), lot.once
    by_ref = {sale.ref: sale for sale in sales}
    for back in returns:
        quantities = {line.sku_code: line.quantity for line in by_ref[back.sale_ref].lines}
        assert all(0 < units <= quantities[code] for code, units in back.units.items())
        assert by_ref[back.sale_ref].sold_at < back.returned_at
    rice = [lot for lot in lots if lot.good.slug == "baishui-gongmi" and lot.best_before >= day]
    assert sum(lot.packs().get("rice-baishui-5k", 0) - lot.sold.get("rice-baishui-5k", 0) for lot in rice) >= 200


def test_the_same_day_gives_the_same_plan():
    first = season.plan_season(DAY, harvest.plan_harvest(DAY), most=100)
    assert season.plan_season(DAY, harvest.plan_harvest(DAY), most=100) == first


def test_every_lot_has_a_key_that_fits():
    for day in DAYS:
        keys = [lot.once for lot in harvest.plan_harvest(day)]
        assert len(set(keys)) == len(keys)
        assert max(map(len, keys)) <= 40


def test_every_published_good_comes_in_somehow():
    assert {good.slug for good in GOODS if not good.waits_for} == {lot.good.slug for lot in harvest.plan_harvest(DAY)}


# ── Never in production ───────────────────────────────────────────────────────────────────────────────────────────────


def test_production_refuses_the_demo_county(database: TestDatabase):
    app: Flask = database.app
    before = app.config["SHOP"]
    app.config["SHOP"] = Config(**vars(before) | {"env": "production", "is_demo": False})
    try:
        answer = app.test_cli_runner().invoke(demo)
    finally:
        app.config["SHOP"] = before
    assert answer.exit_code == 1
    assert "production" in answer.output


def test_the_shop_starts_without_knowing_the_demo_county():
    told = "import sys, shop.app; sys.exit(any(name.startswith('shop.demo') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", told], cwd=ROOT, check=False).returncode == 0
