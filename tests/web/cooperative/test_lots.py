"""Bringing a lot in on a telephone: what is wrong stands beside its field, what was typed stays, sent twice makes one."""

from datetime import date, timedelta
from io import BytesIO

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from shop.catalog.models import Product, ProductStatus
from shop.extensions import act, db, reading
from shop.kit.clock import business_day, utc_now
from shop.stock.models import Lot, LotSource, Movement, StockItem
from tests.browser import HOST, Browser, Page
from tests.factories import (
    MadeProduct,
    Pack,
    Person,
    hold_units,
    make_cooperative,
    make_lot,
    make_product,
    make_stranger,
    make_user,
    make_village,
    make_villages,
    sign_in,
)
from tests.kit.test_pictures import picture
from tests.shopping import assert_books_are_sound
from tests.statements import count_statements

NEW = "/cooperative/lots/new"


@pytest.fixture
def rice(app: Flask) -> MadeProduct:
    """Tribute rice in bags of 5 kg and bricks of 2.5 kg, whose cooperative has two villages."""
    baishui, gaobatian = make_villages("白水村", "高坝田村")
    cooperative = make_cooperative(villages=[baishui, gaobatian])
    return make_product(packs=[Pack(grams=5_000), Pack(grams=2_500, unit_word="块", pack="2.5 kg 真空砖")], cooperative=cooperative)


@pytest.fixture
def phone(rice: MadeProduct, phone: Browser) -> Browser:
    """Lao Chen's browser, when the cooperative is as `rice` needs it."""
    return phone


def village(name: str) -> str:
    """The name of a village's field."""
    return f"village_{make_village(name).id}"


def sku(rice: MadeProduct, place: int) -> str:
    """The name of a pack's field."""
    return f"sku_{rice.skus[place].id}"


def fill(rice: MadeProduct, **changes: str) -> dict[str, str]:
    """A whole harvest, well filled in."""
    given = {village("白水村"): "640", village("高坝田村"): "360", "grade": "一级", sku(rice, 0): "150", sku(rice, 1): "100"}
    return {**given, **changes}


def lots_there() -> int:
    with reading() as session:
        return session.scalar(select(func.count()).select_from(Lot)) or 0


def today() -> date:
    return business_day(utc_now())


# ── Recording ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_lot_is_recorded_with_whose_it_is_and_how_it_was_packed(phone: Browser, rice: MadeProduct, lao_chen: Person) -> None:
    phone.open(NEW)
    page = phone.press(NEW, "记下这一批", fill(rice))
    assert page.status == 200 and page.path.startswith("/cooperative/lots/BS")
    assert "记下了：批次 BS" in page.text
    for words in ("1,000 kg", "白水村", "640 kg", "64%", "高坝田村", "36%", "一级", "已经全部装完", "Lao Chen"):
        assert words in page.text
    with reading() as session:
        lot = session.execute(select(Lot)).scalar_one()
        assert (lot.produced_grams, lot.packed_grams, lot.harvested_on) == (1_000_000, 1_000_000, today())
        assert lot.best_before == today() + timedelta(days=365)
        assert lot.recorded_by == lao_chen.id
        assert dict(session.execute(select(LotSource.village_id, LotSource.grams)).all()) == {  # type: ignore[arg-type]
            make_village("白水村").id: 640_000,
            make_village("高坝田村").id: 360_000,
        }
        assert session.execute(select(func.sum(Movement.packed_change))).scalar_one() == 250
    assert_books_are_sound()


def test_kilograms_may_have_decimals_and_full_width_digits_and_a_village_may_have_given_nothing(phone: Browser, rice: MadeProduct) -> None:
    phone.open(NEW)
    phone.press(
        NEW, "记下这一批", fill(rice, **{village("白水村"): "６４０．５", village("高坝田村"): "0", sku(rice, 0): "", sku(rice, 1): "0"})
    )
    with reading() as session:
        assert tuple(session.execute(select(Lot.produced_grams, Lot.packed_grams)).one()) == (640_500, 0)
        assert session.scalars(select(LotSource.grams)).all() == [640_500]
        assert session.scalars(select(StockItem.id)).all() == []


def test_best_before_follows_the_harvest_unless_somebody_wrote_another(phone: Browser, rice: MadeProduct) -> None:
    harvest = today() - timedelta(days=30)
    phone.open(NEW)
    phone.press(NEW, "记下这一批", fill(rice, harvested_on=harvest.isoformat()))
    phone.open(NEW)
    earlier = harvest + timedelta(days=100)
    phone.press(NEW, "记下这一批", fill(rice, harvested_on=harvest.isoformat(), best_before=earlier.isoformat()))
    phone.open(NEW)
    phone.press(NEW, "记下这一批", fill(rice, harvested_on=harvest.isoformat(), best_before=""))
    with reading() as session:
        kept = session.scalars(select(Lot.best_before).order_by(Lot.id)).all()
    assert kept == [harvest + timedelta(days=365), earlier, harvest + timedelta(days=365)]


def test_the_page_fills_in_both_days(phone: Browser) -> None:
    form = phone.open(NEW).form(NEW)
    assert form.values("harvested_on") == [today().isoformat()]
    assert form.values("best_before") == [(today() + timedelta(days=365)).isoformat()]


def test_the_same_form_sent_twice_makes_one_lot(phone: Browser, rice: MadeProduct) -> None:
    form = phone.open(NEW).form(NEW)
    fields = {**dict(form.fields), **fill(rice)}
    fields.pop("csrf_token")
    first = phone.send(form.action, fields)
    second = phone.send(form.action, fields)
    assert first.path == second.path
    assert lots_there() == 1


def test_lots_of_one_month_get_letters_of_their_own(phone: Browser, rice: MadeProduct) -> None:
    for _ in range(3):
        phone.open(NEW)
        phone.press(NEW, "记下这一批", fill(rice))
    with reading() as session:
        codes = session.scalars(select(Lot.code).order_by(Lot.id)).all()
    assert codes == [f"BS{today():%y%m}{letter}" for letter in "ABC"]


# ── What is wrong ─────────────────────────────────────────────────────────────────────────────────────────────────────


WRONG = (
    ("白水村", "-1", "不能小于 0"),
    ("白水村", "1000000000", "太多了"),
    ("白水村", "1000000", "一批最多"),
    ("白水村", "很多", "写公斤数"),
    ("0", "-1", "不能小于 0"),
    ("0", "1000000000", "太多了"),
    ("0", "1000000", "多装了"),
    ("0", "1.5", "整数"),
    ("0", "一百", "整数"),
    ("harvested_on", "", "写上哪天收割"),
    ("harvested_on", "昨天", "年-月-日"),
    ("harvested_on", "9999-12-31", "还没到"),
    ("best_before", "2020-01-01", "比收割日还早"),
    ("best_before", "9999-12-31", "不能改晚"),
    ("best_before", "明年", "年-月-日"),
)


def test_what_is_wrong_stands_beside_its_field_and_what_was_typed_stays(phone: Browser, rice: MadeProduct) -> None:
    for field, text, word in WRONG:
        name = village(field) if field.endswith("村") else sku(rice, int(field)) if field.isdigit() else field
        phone.open(NEW)
        page = phone.press(NEW, "记下这一批", fill(rice, **{name: text}))
        assert page.status == 422, (field, text)
        assert word in page.text, (field, text)
        form = page.form(NEW)
        assert form.values(name) == [text]
        assert form.values("grade") == ["一级"]
    assert lots_there() == 0


def test_at_least_one_village_gave_something(phone: Browser, rice: MadeProduct) -> None:
    phone.open(NEW)
    page = phone.press(NEW, "记下这一批", {village("白水村"): "0", "grade": "一级"})
    assert page.status == 422 and "至少写一个村" in page.text


def test_a_village_written_twice_is_not_guessed_at(phone: Browser, rice: MadeProduct, client: FlaskClient) -> None:
    form = phone.open(NEW).form(NEW)
    name = village("白水村")
    fields = {**dict(form.fields), "grade": "一级", name: ["640", "360"]}
    answer = client.post(form.action, data=fields)
    assert answer.status_code == 422 and "写了两次" in answer.text


def test_a_village_of_somebody_else_is_not_asked(phone: Browser, rice: MadeProduct) -> None:
    elsewhere = make_village("桃映村")
    form = phone.open(NEW).form(NEW)
    fields = {**dict(form.fields), **fill(rice), f"village_{elsewhere.id}": "500"}
    fields.pop("csrf_token")
    phone.send(form.action, fields)
    with reading() as session:
        assert elsewhere.id not in session.scalars(select(LotSource.village_id)).all()
        assert session.execute(select(Lot.produced_grams)).scalar_one() == 1_000_000


def test_a_form_that_is_not_ours_is_refused(phone: Browser, rice: MadeProduct) -> None:
    wrong: tuple[tuple[dict[str, str | None], str], ...] = (
        ({"grade": "超级"}, "选一个等级"),
        ({"grade": None}, "选一个等级"),
        ({"once": "x"}, "过时了"),
    )
    for changes, word in wrong:
        form = phone.open(NEW).form(NEW)
        fields = {**dict(form.fields), **fill(rice), **changes}
        page = phone.send(form.action, {name: value for name, value in fields.items() if value is not None and name != "csrf_token"})
        assert page.status == 422 and word in page.text, changes
    assert lots_there() == 0


# ── Packed more than came in ──────────────────────────────────────────────────────────────────────────────────────────


def overpacked(phone: Browser, rice: MadeProduct, **changes: str) -> Page:
    phone.open(NEW)
    return phone.press(NEW, "记下这一批", fill(rice, **{sku(rice, 1): "108", **changes}))


def test_packed_more_than_came_in_says_by_how_much_and_what_would_fit(phone: Browser, rice: MadeProduct) -> None:
    page = overpacked(phone, rice)
    assert page.status == 422
    assert "多装了 20 kg" in page.text and "2.5 kg 真空砖改成 100 块就正好" in page.text
    assert "1,020 kg" in page.text
    page = phone.press(NEW, "改成 100 块，正好 1,000 kg")
    assert page.status == 200 and "多装了" not in page.text
    assert page.form(NEW).values(sku(rice, 1)) == ["100"]
    phone.press(NEW, "记下这一批")
    with reading() as session:
        assert session.execute(select(Lot.packed_grams)).scalar_one() == 1_000_000


def test_what_does_not_fit_exactly_says_how_many_do(phone: Browser, rice: MadeProduct) -> None:
    page = overpacked(phone, rice, **{village("高坝田村"): "361"})
    assert "最多 100 块" in page.text
    assert "改成 100 块" in " ".join(button[0] for button in page.form(NEW).buttons)


def test_where_no_single_pack_can_make_it_right_none_is_offered(phone: Browser, rice: MadeProduct) -> None:
    page = overpacked(phone, rice, **{village("白水村"): "1", village("高坝田村"): "1"})
    assert "只改一种不够" in page.text
    assert not [button for button in page.form(NEW).buttons if button[1] == "fit"]


def test_an_offer_that_was_not_made_is_not_taken(phone: Browser, rice: MadeProduct) -> None:
    name = sku(rice, 0)
    for offer in ("", "nonsense", "sku_999:5", "harvested_on:5", f"{name}:", f"{name}:-5", f"{name}:²", f"{name}:" + "9" * 40):
        form = phone.open(NEW).form(NEW)
        fields = {**dict(form.fields), **fill(rice), "fit": offer}
        fields.pop("csrf_token")
        page = phone.send(form.action, fields)
        assert page.status == 200, offer
        assert page.form(NEW).values(name) == ["150"], offer
    assert lots_there() == 0


def test_sums_can_be_asked_for_before_anything_is_recorded(phone: Browser, rice: MadeProduct) -> None:
    phone.open(NEW)
    page = phone.press(NEW, "先算一算", {village("白水村"): "640", village("高坝田村"): "很多", sku(rice, 0): "10"})
    assert page.status == 200
    assert "640 kg" in page.text and "50 kg" in page.text
    assert "写公斤数" in page.text
    assert "选一个等级" not in page.text, "what is not filled in yet is not wrong yet"
    assert lots_there() == 0


# ── Which product ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_with_several_products_one_is_chosen_first(phone: Browser, rice: MadeProduct) -> None:
    broken = make_product("白水碎米", slug="baishui-suimi", status=ProductStatus.DRAFT)
    make_product("旧米", slug="jiumi", status=ProductStatus.RETIRED)
    page = phone.open(NEW)
    assert "白水碎米" in page.text and "旧米" not in page.text
    assert not [form for form in page.forms if form.action.startswith(NEW)]
    page = phone.open(f"{NEW}?product={broken.slug}")
    assert page.form(NEW).action == f"{NEW}?product={broken.slug}"
    for unknown in ("jiumi", "nothing", "%00"):
        assert phone.open(f"{NEW}?product={unknown}").status == 404


def test_a_cooperative_without_products_is_told_what_to_do(app: Flask, client: FlaskClient) -> None:
    sign_in(client, make_user("Lao Wu", cooperatives=[make_cooperative("新合作社").id]))
    page = Browser(client).open(NEW)
    assert page.status == 200 and "还没有你们的商品" in page.text


# ── Lots that are there ───────────────────────────────────────────────────────────────────────────────────────────────


def test_packing_more_of_a_lot(phone: Browser, rice: MadeProduct) -> None:
    lot = make_lot(rice, units=10, produced_grams=100_000)
    action = f"/cooperative/lots/{lot.code}/packs/{rice.skus[1].id}"
    page = phone.open(f"/cooperative/lots/{lot.code}")
    assert "还能装 50 kg" in page.text and "还没装过" in page.text
    page = phone.press(action, "装好了", {"units": "２０"})
    assert page.status == 200 and "可卖 0 → 20 块" in page.text and "已经全部装完" in page.text
    assert_books_are_sound()


def test_packing_what_cannot_be_is_said_beside_the_pack(phone: Browser, rice: MadeProduct) -> None:
    lot = make_lot(rice, units=10, produced_grams=100_000)
    action = f"/cooperative/lots/{lot.code}/packs/{rice.sku.id}"
    for typed, word in (
        ("", "至少 1"),
        ("0", "至少 1"),
        ("-1", "不能小于 0"),
        ("1000000000", "太多了"),
        ("多", "整数"),
        ("11", "这批还能装 10 袋"),
    ):
        phone.open(f"/cooperative/lots/{lot.code}")
        page = phone.press(action, "装好了", {"units": typed})
        assert page.status == 422 and word in page.text, typed
        assert page.form(action).values("units") == [typed]
    with reading() as session:
        assert session.execute(select(StockItem.packed)).scalar_one() == 10


def test_packing_twice_by_one_form_packs_once(phone: Browser, rice: MadeProduct) -> None:
    lot = make_lot(rice, units=10, produced_grams=100_000)
    form = phone.open(f"/cooperative/lots/{lot.code}").form(f"/cooperative/lots/{lot.code}/packs/")
    fields = {"units": "2", "once": form.values("once")[0]}
    phone.send(form.action, fields)
    page = phone.send(form.action, fields)
    assert "没有再装第二次" in page.text
    with reading() as session:
        assert session.execute(select(StockItem.packed)).scalar_one() == 12


def test_a_recalled_lot_is_not_packed(phone: Browser, rice: MadeProduct) -> None:
    lot = make_lot(rice, units=10, produced_grams=100_000, recalled_at=utc_now())
    page = phone.open(f"/cooperative/lots/{lot.code}")
    assert "已召回" in page.text
    page = phone.send(f"/cooperative/lots/{lot.code}/packs/{rice.sku.id}", {"units": "1", "once": "0" * 32})
    assert page.status == 422


def test_the_tag_is_a_drawing_of_the_public_page_and_prints_on_a_sheet(phone: Browser, app: Flask, rice: MadeProduct) -> None:
    lot = make_lot(rice)
    address = f"{app.config['SHOP'].public_url}/lots/{lot.code}"
    for path in (f"/cooperative/lots/{lot.code}", f"/cooperative/lots/{lot.code}/label"):
        page = phone.open(path)
        assert page.status == 200 and "<svg" in page.html and "qr-code" in page.html
        assert "style=" not in page.html
    assert address in phone.open(f"/cooperative/lots/{lot.code}").text
    assert phone.open(f"/cooperative/lots/{lot.code}/label").html.count("qr-code") == 12


def test_the_list_says_what_became_of_each_lot(phone: Browser, rice: MadeProduct) -> None:
    make_lot(rice, units=10, code="BS2610A")
    make_lot(rice, units=1, code="BS2510B", harvested_on=date(2024, 10, 1), best_before=date(2025, 10, 1))
    held = make_lot(rice, units=1, code="BS2610C")
    hold_units(held.item_id, 1)
    page = phone.open("/cooperative/lots/")
    assert "一共 3 批" in page.text
    for words in ("BS2610A", "已过期", "没有可卖的"):
        assert words in page.text
    for odd in ("0", "-1", "99", "x", "9" * 40):
        assert phone.open(f"/cooperative/lots/?page={odd}").status == 200


def test_a_cooperative_without_lots_is_told_what_to_do(phone: Browser) -> None:
    assert "还没有批次" in phone.open("/cooperative/lots/").text


# ── Strangers ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_another_cooperatives_lot_is_not_there(app: Flask, client: FlaskClient, rice: MadeProduct) -> None:
    lot = make_lot(rice, units=1, produced_grams=100_000)
    sign_in(client, make_user("Lao Wu", cooperatives=[make_cooperative("桃映合作社", villages=[make_village("桃映村")]).id]))
    browser = Browser(client)
    assert lot.code not in browser.open("/cooperative/lots/").text
    for path in (f"/cooperative/lots/{lot.code}", f"/cooperative/lots/{lot.code}/label", f"{NEW}?product={rice.slug}"):
        assert browser.open(path).status == 404
    browser.open("/cooperative/lots/")
    assert browser.send(f"/cooperative/lots/{lot.code}/packs/{rice.sku.id}", {"units": "1", "once": "0" * 32}).status == 404
    assert browser.send(f"{NEW}?product={rice.slug}", {"grade": "一级", "once": "0" * 32, village("白水村"): "1"}).status == 404
    assert lots_there() == 1


def test_a_pack_of_another_product_is_not_there(phone: Browser, rice: MadeProduct) -> None:
    lot = make_lot(rice, units=1, produced_grams=100_000)
    peanuts = make_product("珍珠花生", slug="zhenzhu-huasheng")
    phone.open(f"/cooperative/lots/{lot.code}")
    assert phone.send(f"/cooperative/lots/{lot.code}/packs/{peanuts.sku.id}", {"units": "1", "once": "0" * 32}).status == 404


def test_a_buyer_finds_nothing_here(app: Flask, client: FlaskClient, rice: MadeProduct) -> None:
    make_lot(rice, code="BS2610A")
    sign_in(client, make_stranger())
    for path in ("/cooperative/lots/", NEW, "/cooperative/lots/BS2610A", "/cooperative/lots/BS2610A/label"):
        assert client.get(path).status_code == 404, path


def test_the_pages_ask_as_much_however_much_there_is(app: Flask, client: FlaskClient, lao_chen: Person, rice: MadeProduct) -> None:
    paths = {"/cooperative/lots/": 6, "/cooperative/lots/T-1": 10, f"{NEW}?product={rice.slug}": 7}

    def ask() -> dict[str, int]:
        asked = {}
        for path in paths:
            with count_statements() as statements:
                assert client.get(path).status_code == 200
            asked[path] = len(statements)
        return asked

    make_lot(rice, code="T-1", units={rice.sku.id: 1})
    assert ask() == paths
    for number in range(8):
        make_lot(rice, code=f"M-{number}", units={made.id: 2 for made in rice.skus})
        make_product(f"米 {number}", cooperative=make_cooperative())
    assert ask() == paths


# ── What went in, how it looked, what is gone ─────────────────────────────────────────────────────────────────────────


@act
def bound(rice: MadeProduct) -> None:
    """Of paddy, so much can become rice."""
    db.session.execute(update(Product).where(Product.id == rice.id).values(least_yield_percent=55, most_yield_percent=75))


def test_the_yield_lies_within_the_products_bounds(phone: Browser, rice: MadeProduct) -> None:
    bound(rice)
    address = f"{NEW}?product={rice.slug}"
    for harvest, status in (("1000", 422), ("2000", 422), ("-5", 422), ("1500", 200)):
        phone.open(address)
        page = phone.press(NEW, "记下这一批", fill(rice) | {"harvest": harvest})
        assert page.status == status, (harvest, page.text)
        if status == 422 and harvest != "-5":
            assert "该在 55% 到 75%" in page.text
    assert "用了原料 1,500 kg" in page.text


def test_units_are_written_off_with_their_reason(phone: Browser, rice: MadeProduct) -> None:
    make_lot(rice, code="T-1", units={rice.sku.id: 9})
    at = f"/cooperative/lots/T-1/packs/{rice.sku.id}/write-off"
    for gone, status, word in (("0", 422, "至少 1"), ("1.5", 422, "整数"), ("10", 409, "能减的只有 9 袋"), ("2", 200, "9 → 7 袋")):
        phone.open("/cooperative/lots/T-1")
        page = phone.press(at, "记报损", {"gone": gone, "reason": "sampled"})
        assert page.status == status and word in page.text, gone
    assert "送检、试吃" in page.text and "−2" in page.text


def test_a_lot_shows_its_photographs_to_everybody(phone: Browser, rice: MadeProduct) -> None:
    make_lot(rice, code="T-1")
    phone.open("/cooperative/lots/T-1")
    token = phone.page.form("/cooperative/lots/T-1/photos").values("csrf_token")[0]
    for content, status in ((b"%PDF-1.4", 422), (picture(), 303)):
        brought = {"csrf_token": token, "photo": (BytesIO(content), "lot.jpg")}
        assert phone.client.post("/cooperative/lots/T-1/photos", data=brought, headers={"Referer": HOST + "/"}).status_code == status
    assert "/pictures/" in phone.open("/lots/T-1").html
    page = phone.open("/cooperative/lots/T-1")
    remove = next(form.action for form in page.forms if form.action.endswith("/remove"))
    assert "照片删掉了" in phone.press(remove, "删掉").text
    assert "/pictures/" not in phone.open("/lots/T-1").html
