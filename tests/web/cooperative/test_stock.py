"""The shelves on a telephone: each row saved by itself, nobody's figure overwritten, and always said whose figure it is."""

from datetime import date, timedelta

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from shop.extensions import reading
from shop.kit.clock import business_day, utc_now
from shop.kit.ids import ItemId, new_key
from shop.stock.models import Movement, StockItem
from shop.stock.service import Reason, change_count, set_count
from tests.browser import Browser
from tests.factories import (
    MadeLot,
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
    sign_in,
    write_off,
)
from tests.providers import FakeProvider
from tests.shopping import assert_books_are_sound, buy
from tests.statements import count_statements


def free(item_id: ItemId) -> int:
    with reading() as session:
        row = session.execute(
            select(StockItem.packed, StockItem.held, StockItem.sold, StockItem.written_off).where(StockItem.id == item_id)
        ).one()
    return row.packed - row.held - row.sold - row.written_off


def last_movement(item_id: ItemId) -> tuple[str, str, int | None]:
    with reading() as session:
        row = session.execute(
            select(Movement.kind, Movement.reason, Movement.by_user_id)
            .where(Movement.item_id == item_id)
            .order_by(Movement.id.desc())
            .limit(1)
        ).one()
    return row.kind.value, row.reason, row.by_user_id


def row_address(lot: MadeLot) -> str:
    return f"/cooperative/stock/{lot.item_id}"


def roomy_lot(product: MadeProduct | None = None) -> MadeLot:
    """46 bags of rice, with 44 more to be packed."""
    return make_lot(product, units=46, produced_grams=90 * 5_000)


# ── Saving a row ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_quick_change_is_saved_with_three_taps(phone: Browser, lao_chen: Person) -> None:
    lot = roomy_lot()
    page = phone.open("/cooperative/stock")
    assert "这批还能再装 44 袋" in page.text
    page = phone.press(row_address(lot), "记下", {"change": "10"})
    assert page.status == 200 and page.path == f"/cooperative/stock#item-{lot.item_id}"
    assert "记下了：白水贡米 5 kg 编织袋" in page.text and "46 → 56 袋" in page.text
    assert free(lot.item_id) == 56
    assert last_movement(lot.item_id) == ("packed", "packed", lao_chen.id)
    assert "刚刚，你装的" in page.text
    assert_books_are_sound()


def test_a_change_keeps_its_reason(phone: Browser) -> None:
    lot = roomy_lot()
    for change, why, left, kind, reason in (
        ("-1", None, 45, "recounted", "recounted"),
        ("-5", "damaged", 40, "written_off", "damaged"),
        ("10", "recounted", 50, "recounted", "recounted"),
        ("20", "packed", 70, "packed", "packed"),
    ):
        phone.open("/cooperative/stock")
        phone.press(row_address(lot), "记下", {"change": change, **({"why": why} if why else {})})
        assert free(lot.item_id) == left
        assert last_movement(lot.item_id)[:2] == (kind, reason)
    assert_books_are_sound()


def test_a_figure_may_be_written_in_full_width_digits(phone: Browser) -> None:
    lot = roomy_lot()
    phone.open("/cooperative/stock")
    page = phone.press(row_address(lot), "记下", {"count": "４３"})
    assert free(lot.item_id) == 43
    assert "46 → 43 袋" in page.text
    assert "你点的" in page.text


def test_a_count_that_was_right_is_kept_as_counted(phone: Browser) -> None:
    lot = roomy_lot()
    phone.open("/cooperative/stock")
    assert "点过了，一样是 46 袋" in phone.press(row_address(lot), "记下", {"count": "46"}).text
    with reading() as session:
        assert session.execute(select(StockItem.counted_at)).scalar_one() is not None


def test_all_may_be_gone(phone: Browser) -> None:
    lot = roomy_lot()
    phone.open("/cooperative/stock")
    phone.press(row_address(lot), "记下", {"count": "0"})
    assert free(lot.item_id) == 0


CANNOT_BE: tuple[tuple[dict[str, str], str], ...] = (
    ({}, "选改多少，或者直接写数"),
    ({"count": "-1"}, "不能小于 0"),
    ({"count": "1000000000"}, "太多了"),
    ({"count": "1e9"}, "整数"),
    ({"count": "很多"}, "整数"),
    ({"count": "4.5"}, "整数"),
    ({"count": "43", "change": "10"}, "只能用一样"),
    ({"count": "91"}, "最多再装 44 袋"),
    ({"change": "-1", "why": "packed"}, "新装袋只会变多"),
    ({"change": "10", "why": "damaged"}, "破损只会变少"),
)


def test_what_cannot_be_is_said_beside_the_row_and_kept(phone: Browser) -> None:
    rice = make_product()
    lot, other = roomy_lot(rice), roomy_lot(rice)
    for typed, word in CANNOT_BE:
        phone.open("/cooperative/stock")
        page = phone.press(row_address(lot), "记下", typed)
        assert page.status == 422, typed
        assert word in page.text, typed
        for name, value in typed.items():
            assert value in page.form(row_address(lot)).values(name), typed
            assert value not in page.form(row_address(other)).values(name), typed
        assert (free(lot.item_id), free(other.item_id)) == (46, 46), typed


NOT_OURS: tuple[dict[str, str], ...] = (
    {"change": "7"},
    {"change": "10", "why": "stolen"},
    {"change": "10", "seen": "x"},
    {"change": "10", "seen": "46", "once": ""},
    {"change": "10", "seen": "46", "once": "x" * 5_000},
    {"change": "10", "seen": "9" * 400, "once": "0" * 32},
    {"change": "\x00", "seen": "46", "once": "0" * 32},
)


def test_a_form_that_is_not_ours_changes_nothing(phone: Browser) -> None:
    lot = roomy_lot()
    for fields in NOT_OURS:
        phone.open("/cooperative/stock")
        assert phone.send(row_address(lot), fields).status == 422, fields
    assert free(lot.item_id) == 46


def test_what_buyers_hold_cannot_be_written_off(phone: Browser) -> None:
    lot = make_lot(units=10)
    hold_units(lot.item_id, 7)
    page = phone.open("/cooperative/stock")
    assert "已订走 7 袋" in page.text
    page = phone.press(row_address(lot), "记下", {"change": "-5", "why": "damaged"})
    assert page.status == 409
    assert "能减的只有 3 袋" in page.text


def test_saving_one_row_does_not_fail_for_anothers_sake(phone: Browser) -> None:
    rice = make_product()
    first, second = roomy_lot(rice), roomy_lot(rice)
    phone.open("/cooperative/stock")
    change_count(second.item_id, -3, by=None, reason=Reason.DAMAGED, once="somebody", now=utc_now())
    assert "46 → 56" in phone.press(row_address(first), "记下", {"change": "10"}).text
    assert (free(first.item_id), free(second.item_id)) == (56, 43)


# ── Two thumbs ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_two_figures_are_shown_and_a_person_chooses(phone: Browser) -> None:
    lot = roomy_lot()
    for way, button, left in (("all", "货架上现在就是 50 袋", 50), ("more", "我点过以后才变的", 47)):
        phone.open("/cooperative/stock")
        set_count(lot.item_id, 46, seen_free_units=free(lot.item_id), by=None, reason=Reason.RECOUNTED, once=f"{way}1", now=utc_now())
        phone.open("/cooperative/stock")
        set_count(lot.item_id, 43, seen_free_units=46, by=None, reason=Reason.RECOUNTED, once=f"{way}2", now=utc_now())
        page = phone.press(row_address(lot), "记下", {"count": "50"})
        assert page.status == 409 and free(lot.item_id) == 43, "nothing is overwritten"
        assert "现在写着 43 袋" in page.text and "你点的 50 袋" in page.text and "你看的时候是 46 袋" in page.text
        assert "−3" in page.text, "what came between"
        form = next(form for form in page.forms if ("way", way) in form.fields)
        phone.send(form.action, dict(form.fields))
        assert free(lot.item_id) == left, button
    assert_books_are_sound()


def test_a_written_figure_may_be_a_difference(phone: Browser) -> None:
    lot = roomy_lot()
    for way, typed, status, left in (("more", "7", 200, 53), ("less", "3", 200, 50), ("less", "0", 422, 50), ("more", "3.5", 422, 50)):
        phone.open("/cooperative/stock")
        page = phone.press(row_address(lot), "记下", {"way": way, "count": typed})
        assert (page.status, free(lot.item_id)) == (status, left), (way, typed)
    assert page.form(row_address(lot)).values("way") == ["more"]


def test_what_a_telephone_kept_is_sent_as_the_form_would_have_been(phone: Browser, lao_chen: Person) -> None:
    lot = roomy_lot()
    hello = phone.client.get("/cooperative/stock/token").json
    assert hello is not None and hello["me"] == str(lao_chen.id)
    kept = {"csrf_token": hello["token"], "count": "40", "seen": "46", "once": new_key(), "me": hello["me"]}
    for _ in range(2):
        answer = phone.client.post(row_address(lot), data=kept, headers={"Accept": "application/json"})
        assert answer.json == {"href": f"/cooperative/stock#item-{lot.item_id}"}
    assert free(lot.item_id) == 40
    other = phone.client.post(row_address(lot), data=kept | {"count": "44", "once": new_key()}, headers={"Accept": "application/json"})
    assert other.status_code == 409 and "你点的" in other.text
    worker = phone.client.get("/cooperative/stock/worker.js")
    assert worker.headers["Service-Worker-Allowed"] == "/cooperative/stock"


def test_of_many_rows_those_of_one_product_are_picked_by_its_picture(phone: Browser) -> None:
    rice, tea = make_product(), make_product("菊花茶")
    lots = [roomy_lot(rice) for _ in range(6)]
    cup = roomy_lot(tea)
    assert "stock-products" in phone.open("/cooperative/stock").html
    page = phone.open(f"/cooperative/stock?product={tea.slug}")
    assert cup.code in page.text and lots[0].code not in page.text
    assert '<details name="stock" open>' in page.html, "three taps: picture, change, done"


def test_a_quick_change_counts_from_what_is_there_now_and_says_so(phone: Browser) -> None:
    lot = roomy_lot()
    phone.open("/cooperative/stock")
    change_count(lot.item_id, -3, by=None, reason=Reason.RECOUNTED, once="somebody", now=utc_now())
    page = phone.press(row_address(lot), "记下", {"change": "10"})
    assert "刚才有人改成 43" in page.text and "现在 53 袋" in page.text
    assert free(lot.item_id) == 53


def test_the_same_form_sent_twice_counts_once(phone: Browser) -> None:
    lot = roomy_lot()
    fields = {"change": "10", "seen": "46", "once": new_key()}
    phone.open("/cooperative/stock")
    phone.send(row_address(lot), fields)
    page = phone.send(row_address(lot), fields)
    assert "没有再记第二次" in page.text
    assert free(lot.item_id) == 56


def test_a_row_sold_out_meanwhile_is_still_there_to_say_so(phone: Browser) -> None:
    lot = make_lot(units=5)
    phone.open("/cooperative/stock")
    hold_units(lot.item_id, 5)
    page = phone.press(row_address(lot), "记下", {"change": "-5"})
    assert "能减的只有 0 袋" in page.text


# ── What the page shows ───────────────────────────────────────────────────────────────────────────────────────────────


def test_the_oldest_figure_stands_first(phone: Browser) -> None:
    rice = make_product()
    lots = [roomy_lot(rice) for _ in range(3)]
    for minutes, lot in zip((1, 30, 10), lots, strict=True):
        set_count(
            lot.item_id, 46, seen_free_units=46, by=None, reason=Reason.RECOUNTED, once="k", now=utc_now() - timedelta(minutes=minutes)
        )
    html = phone.open("/cooperative/stock").html
    places = [html.index(f'id="item-{lot.item_id}"') for lot in lots]
    assert places[1] < places[2] < places[0]


def test_what_cannot_change_any_more_is_left_out_and_what_is_left_of_it_stays(phone: Browser) -> None:
    rice = make_product()
    yesterday = business_day(utc_now()) - timedelta(days=1)
    expired = make_lot(rice, units=4, best_before=yesterday, harvested_on=date(2025, 10, 1))
    expired_and_gone = make_lot(rice, units=4, best_before=yesterday, harvested_on=date(2025, 10, 1), produced_grams=40_000)
    write_off(expired_and_gone.item_id, 4)
    empty_and_full = make_lot(rice, units=0, produced_grams=50_000)
    recalled = make_lot(rice, units=4, recalled_at=utc_now())
    page = phone.open("/cooperative/stock")
    assert expired.code in page.text and "过期 1 天，已自动下架" in page.text
    assert expired_and_gone.code not in page.text
    assert empty_and_full.code not in page.text
    assert recalled.code in page.text and "已召回" in page.text


def test_sold_bags_that_wait_for_their_parcel_are_named(phone: Browser, provider: FakeProvider) -> None:
    rice = make_product()
    make_lot(rice, units=10)
    buy(provider, {rice.sku: 3})
    page = phone.open("/cooperative/stock")
    assert "已订走 3 袋" in page.text
    assert "别数进去" in page.text


def test_the_history_explains_every_bag(phone: Browser, provider: FakeProvider) -> None:
    rice = make_product()
    lot = make_lot(rice, units=10)
    placed = buy(provider, {rice.sku: 3})
    phone.open("/cooperative/stock")
    phone.press(row_address(lot), "记下", {"change": "-1", "why": "damaged"})
    page = phone.open(f"{row_address(lot)}/history")
    assert "现在可卖 6 袋" in page.text
    for words in ("破损", "−1", f"订单 {placed.number} 卖出", f"订单 {placed.number} 占用", "−3", "新装袋", "+10", "买家", "你"):
        assert words in page.text
    assert page.text.index("破损 −1") < page.text.index("+10"), "newest first"


def test_a_long_history_has_pages(phone: Browser) -> None:
    lot = make_lot(units=100)
    for number in range(52):
        change_count(lot.item_id, -1, by=None, reason=Reason.DAMAGED, once=f"k{number}", now=utc_now())
    first = phone.open(f"{row_address(lot)}/history")
    assert first.html.count('class="movement-what"') == 50
    second = phone.open(f"{row_address(lot)}/history?page=2")
    assert second.html.count('class="movement-what"') == 3
    for odd in ("0", "-1", "99", "x", "9" * 40):
        assert phone.open(f"{row_address(lot)}/history?page={odd}").status == 200


def test_the_page_reads_in_english(app: Flask, client: FlaskClient) -> None:
    roomy_lot()
    sign_in(client, make_user("Lao Chen", cooperatives=[make_cooperative().id], locale="en"))
    page = Browser(client).open("/cooperative/stock")
    assert '<html lang="en">' in page.html
    assert "Baishui tribute rice" in page.text and "Baishui Rice Cooperative" in page.text
    assert "白水贡米" not in page.text


# ── Strangers ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_another_cooperatives_shelf_is_not_there(app: Flask, client: FlaskClient) -> None:
    mine = roomy_lot()
    elsewhere = make_village("桃映村")
    neighbours = make_cooperative("桃映合作社", villages=[elsewhere])
    honey = make_lot(make_product("土蜂蜜", cooperative=neighbours, village=elsewhere), units=8)
    sign_in(client, make_user("Lao Wu", cooperatives=[neighbours.id]))
    browser = Browser(client)
    page = browser.open("/cooperative/stock")
    assert honey.code in page.text and mine.code not in page.text
    assert browser.open(f"{row_address(mine)}/history").status == 404
    browser.open("/cooperative/stock")
    assert browser.send(row_address(mine), {"change": "-5", "seen": "46", "once": new_key()}).status == 404
    assert free(mine.item_id) == 46


def test_a_member_of_two_cooperatives_sees_both(app: Flask, client: FlaskClient) -> None:
    mine = roomy_lot()
    elsewhere = make_village("桃映村")
    neighbours = make_cooperative("桃映合作社", villages=[elsewhere])
    honey = make_lot(make_product("土蜂蜜", cooperative=neighbours, village=elsewhere), units=8)
    sign_in(client, make_user("Lao Li", cooperatives=[make_cooperative().id, neighbours.id]))
    page = Browser(client).open("/cooperative/stock")
    assert honey.code in page.text and mine.code in page.text
    assert "白水大米专业合作社、桃映合作社" in page.text


def test_a_buyer_finds_nothing_here(app: Flask, client: FlaskClient) -> None:
    lot = make_lot()
    sign_in(client, make_stranger())
    for path in ("/cooperative/stock", f"{row_address(lot)}/history", "/cooperative/stock/999999999999999999999/history"):
        assert client.get(path).status_code == 404, path


def test_the_page_asks_as_much_for_many_rows_as_for_one(app: Flask, client: FlaskClient, lao_chen: Person) -> None:
    make_lot(units=5)
    with count_statements() as one:
        client.get("/cooperative/stock")
    for _ in range(8):
        rice = make_product(f"米 {_}", packs=[Pack(), Pack(grams=2_500)])
        make_lot(rice, units={sku.id: 5 for sku in rice.skus})
    with count_statements() as many:
        html = client.get("/cooperative/stock").text
    assert html.count('class="stock-item') == 17
    assert len(many) == len(one) <= 5
