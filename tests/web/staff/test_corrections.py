"""A lot is said to be wrong by the cooperative and checked by staff; accreditations; an order changed before packing: through the pages."""

import re
from datetime import date

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from shop.extensions import reading
from shop.ledger.models import Attribution
from shop.reports.sales import sales
from shop.stock.models import CorrectionState, LotCorrection
from tests import books
from tests.factories import (
    MadeLot,
    MadeProduct,
    Pack,
    Person,
    make_cooperative,
    make_lao_chen,
    make_lot,
    make_product,
    make_staff,
    make_villages,
    sign_in,
)
from tests.providers import FakeProvider
from tests.shopping import assert_books_are_sound, buy, free_units, village_fen


def made(units: int = 50) -> tuple[MadeProduct, MadeLot, Person]:
    """Rice of two villages, and the packer of its cooperative."""
    one, two = make_villages("白水村", "高坝田村")
    cooperative = make_cooperative(villages=(one, two))
    rice = make_product(packs=[Pack(68_00), Pack(60_00, 4_000)], cooperative=cooperative)
    lot = make_lot(
        rice,
        units={sku.id: units for sku in rice.skus},
        sources=[(one, 700_000), (two, 300_000)],
        produced_grams=1_000_000,
        best_before=date(2099, 12, 31),
    )
    return rice, lot, make_lao_chen(cooperative)


def token_of(page: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found is not None
    return found[1]


def once_of(page: str) -> str:
    found = re.search(r'name="once"[^>]*value="([^"]+)"', page)
    assert found is not None
    return found[1]


def test_a_cooperative_proposes_sees_what_moves_and_staff_approve(app: Flask, client: FlaskClient) -> None:
    rice, lot, lao_chen = made()
    books.sell((rice.sku, 3))
    first, second = sorted(village_fen())
    address = f"/cooperative/lots/{lot.code}/correction/"
    sign_in(client, lao_chen)
    page = client.get(address).text
    typed = {
        "csrf_token": token_of(page),
        "once": once_of(page),
        f"weight_{first}": "1000",
        f"weight_{second}": "",
        "produced": "1000",
        "reason": "另一车也是白水村的",
    }
    preview = client.post(address, data=typed | {"do": "preview"}).text
    assert "+61.20" in preview and "−61.20" in preview and "提上去" in preview
    with reading() as session:
        assert session.scalars(select(LotCorrection.id)).all() == [], "a preview proposes nothing"
    assert client.post(address, data=typed | {"do": "propose"}).status_code == 303
    assert "等人核对" in client.get(address).text

    sign_in(client, make_staff())
    desk = client.get("/staff/corrections/").text
    number = re.search(r'/staff/corrections/(\d+)"', desk)
    assert number is not None and "另一车也是白水村的" in desk
    show = f"/staff/corrections/{number[1]}"
    shown = client.get(show).text
    assert "61.20" in shown
    refusal = client.post(f"{show}/reject", data={"csrf_token": token_of(shown), "word": ""})
    assert refusal.status_code == 422 and "不同意要写一句为什么" in refusal.text
    assert client.post(f"{show}/approve", data={"csrf_token": token_of(shown), "word": "对过"}).status_code == 303
    with reading() as session:
        assert session.scalars(select(LotCorrection.state)).one() is CorrectionState.DONE
    assert village_fen() == {first: 204_00, second: 0}
    assert "改完了" in client.get(show).text
    assert_books_are_sound()


def test_a_form_that_is_wrong_says_so_and_keeps_what_was_typed(app: Flask, client: FlaskClient) -> None:
    _, lot, lao_chen = made()
    sign_in(client, lao_chen)
    address = f"/cooperative/lots/{lot.code}/correction/"
    page = client.get(address).text
    answer = client.post(
        address,
        data={
            "csrf_token": token_of(page),
            "once": once_of(page),
            "produced": "1",
            "reason": "称错了",
            "weight_1": "12.3456",
            "do": "propose",
        },
    )
    assert answer.status_code == 422 and "12.3456" in answer.text and "称错了" in answer.text and "aria-invalid" in answer.text


def test_staff_find_a_lot_by_its_code_and_do_not_approve_their_own(app: Flask, client: FlaskClient) -> None:
    rice, lot, _ = made()
    books.sell((rice.sku, 1))
    sign_in(client, make_staff())
    assert client.get("/staff/corrections/?code=NOPE").status_code == 404
    assert "没有等人核对的" in client.get("/staff/corrections/").text
    assert client.get(f"/staff/corrections/?code={lot.code.lower()}").location.endswith(f"/staff/corrections/lots/{lot.code}")
    address = f"/staff/corrections/lots/{lot.code}"
    page = client.get(address).text
    typed = {"csrf_token": token_of(page), "once": once_of(page), "weight_1": "1000", "weight_2": "", "produced": "1000", "reason": "核过"}
    answer = client.post(address, data=typed | {"do": "propose"})
    shown = client.get(answer.location).text
    assert "你提的" in shown and "同意，照此更正" not in shown
    client.post(f"{answer.location}/approve", data={"csrf_token": token_of(shown)})
    with reading() as session:
        assert session.scalars(select(LotCorrection.state)).one() is CorrectionState.PROPOSED


def test_a_product_accredited_on_the_day_of_sale_counts_and_late_ones_change_nothing(app: Flask, client: FlaskClient) -> None:
    rice, _, _ = made()
    books.sell((rice.sku, 1))
    sign_in(client, make_staff())
    assert "还没有录入过认定" in client.get("/staff/accreditations/").text
    page = client.get("/staff/accreditations/new").text
    typed = {
        "csrf_token": token_of(page),
        "once": once_of(page),
        "product": str(rice.id),
        "number": "示例-001",
        "issuer": "示例认定单位",
        "first_day": "2026-11-01",
        "last_day": "2099-12-31",
        "paper": "",
    }
    assert "传一份证书" in client.post("/staff/accreditations/new", data=typed).text
    typed["paper"] = "3 号柜"
    assert client.post("/staff/accreditations/new", data=typed).status_code == 303
    assert client.post("/staff/accreditations/new", data=typed).status_code == 303, "sent twice it is one"
    again = client.post("/staff/accreditations/new", data=typed | {"once": once_of(client.get("/staff/accreditations/new").text)})
    assert again.status_code == 422 and "重了" in again.text
    sold = books.sell((rice.sku, 2))
    books.refund(sold, 1)
    books.sell((rice.sku, 1), on=date(2026, 10, 31))
    with reading() as session:
        counted = {row.labels[0].code: row.measures.net_fen for row in sales(["accredited"], date(2026, 10, 1), date(2026, 11, 30)).rows}
        flags = session.scalars(select(Attribution.is_accredited).where(Attribution.order_id == sold.order_id)).all()
    assert counted == {"yes": 68_00, "no": 136_00} and all(flags)
    listed = client.get("/staff/accreditations/").text
    assert "68.00" in listed and "示例-001" in listed
    assert "示例-001" in client.get(f"/products/{rice.slug}").text
    assert "已认定" in client.get(f"/staff/orders/{sold.number}").text
    report = client.get("/staff/reports/sales?by=accredited&from=2026-10-01&to=2026-11-30").text
    assert "已认定" in report and "未认定" in report


def test_an_order_is_changed_through_its_page_after_a_preview(app: Flask, client: FlaskClient, provider: FakeProvider) -> None:
    rice, _, _ = made()
    order = buy(provider, {rice.sku: 3})
    sign_in(client, make_staff())
    address = f"/staff/orders/{order.number}/edit/"
    page = client.get(address).text
    line = re.search(r'name="keep-(\d+)"', page)
    assert line is not None and "装箱前改单" in client.get(f"/staff/orders/{order.number}").text
    typed = {"csrf_token": token_of(page), "once": once_of(page), f"keep-{line[1]}": "1", f"swap-{line[1]}": str(rice.skus[1].id)}
    wrong = client.post(address, data=typed | {f"keep-{line[1]}": "9", "phone": "12"})
    assert wrong.status_code == 422 and "另下一单" in wrong.text and 'value="9"' in wrong.text
    preview = client.post(address, data=typed | {"do": "preview"}).text
    assert "改单并退 ¥16.00" in preview and free_units(rice.sku) == 47
    assert client.post(address, data=typed | {"do": "edit", "agreed_fen": "1600"}).status_code == 303
    assert free_units(rice.sku) == 49 and free_units(rice.skus[1]) == 48
    assert "装箱前改了单" in client.get(f"/staff/orders/{order.number}").text
    assert_books_are_sound()
