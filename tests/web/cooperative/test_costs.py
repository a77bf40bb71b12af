"""Lao Chen tells on his telephone what a lot cost, with a photograph of the bill."""

import io
import re
from datetime import date

import pytest
from flask import Flask
from PIL import Image
from sqlalchemy import select

from shop.extensions import reading
from shop.ledger.models import LotCost
from tests.browser import Browser
from tests.dividends import Season, a_photograph, make_season, tell_cost
from tests.factories import make_cooperative, make_stranger, make_user, make_village, sign_in
from tests.shopping import assert_books_are_sound


@pytest.fixture
def season(app: Flask) -> Season:
    return make_season()


@pytest.fixture
def phone(app: Flask, season: Season) -> Browser:
    """Lao Chen's browser."""
    return Browser(sign_in(app.test_client(), season.chen))


def amounts() -> list[int]:
    with reading() as session:
        return list(session.scalars(select(LotCost.amount_fen).order_by(LotCost.id)))


def send(phone: Browser, path: str, fields: dict[str, str], files: list[bytes]) -> str:
    """The form of the open page, with files, which a browser without scripts sends as well."""
    form = phone.page.form(path)
    data: dict[str, object] = {name: value for name, value in form.fields if name != "papers"} | fields
    data["papers"] = [(io.BytesIO(content), f"票据{place}.jpg") for place, content in enumerate(files)]
    answer = phone.client.post(path, data=data, content_type="multipart/form-data", headers={"Accept-Language": "zh"})
    return answer.headers.get("Location") or answer.get_data(as_text=True)


def a_telephones_picture() -> bytes:
    """With the place where it was taken."""
    written = io.BytesIO()
    picture = Image.new("RGB", (40, 30), "white")
    exif = Image.Exif()
    exif[0x010F] = "Telephone"
    exif.get_ifd(0x8825)[1] = "N"
    picture.save(written, "JPEG", exif=exif)
    return written.getvalue()


def test_he_tells_a_cost_and_its_bill_is_kept_without_where_it_was_taken(phone: Browser, season: Season) -> None:
    path = f"/cooperative/costs/{season.lot.code}"
    phone.open(path)
    wanted = {"kind": "labour", "amount": "１２８．５", "incurred_on": "2026-10-03", "note": "割稻三天"}
    assert send(phone, path, wanted, [a_telephones_picture()]).endswith(path)
    page = phone.open(path)
    assert "¥128.50" in page.text and "割稻三天" in page.text and "白水村" in page.text and "¥89.95" in page.text
    link = re.search(r'href="(/cooperative/costs/papers/\d+)"', page.html)
    assert link
    answer = phone.client.get(link[1])
    assert answer.mimetype == "image/jpeg" and answer.headers["Content-Disposition"].startswith("attachment")
    assert not Image.open(io.BytesIO(answer.data)).getexif()
    assert_books_are_sound()


def test_nobody_else_opens_the_paper_but_the_staff(app: Flask, phone: Browser, season: Season) -> None:
    path = f"/cooperative/costs/{season.lot.code}"
    phone.open(path)
    send(phone, path, {"kind": "inputs", "amount": "5", "incurred_on": "2026-10-03"}, [a_photograph()])
    link = re.search(r"/cooperative/costs/papers/(\d+)", phone.open(path).html)
    assert link
    neighbours = make_cooperative("桃映养蜂专业合作社", villages=[make_village("桃映村")])
    for person in (make_user("Lao Wu", cooperatives=[neighbours.id]), make_stranger()):
        for address in (link[0], f"/staff/dividends/papers/{link[1]}", path):
            assert sign_in(app.test_client(), person).get(address).status_code == 404
    staff = sign_in(app.test_client(), season.staff)
    assert staff.get(f"/staff/dividends/papers/{link[1]}").mimetype == "image/png"
    assert "¥5.00" not in staff.get("/staff/costs/").get_data(as_text=True)
    assert season.lot.code in staff.get("/staff/costs/").get_data(as_text=True)


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"amount": ""}, "写上花了多少元"),
        ({"amount": "1.005"}, "最多两位小数"),
        ({"amount": "-3"}, "不能小于 0"),
        ({"amount": "0"}, "要大于 0"),
        ({"kind": ""}, "选一样"),
        ({"incurred_on": "明天"}, "写年-月-日"),
        ({"incurred_on": "2999-01-01"}, "这一天还没到"),
    ],
)
def test_what_is_wrong_stands_beside_its_field_and_the_rest_is_kept(
    phone: Browser, season: Season, wanted: dict[str, str], said: str
) -> None:
    path = f"/cooperative/costs/{season.lot.code}"
    phone.open(path)
    page = send(phone, path, {"kind": "freight", "amount": "12", "incurred_on": "2026-10-03", "note": "到县城"} | wanted, [])
    assert said in page and "到县城" in page
    assert amounts() == []


def test_a_file_that_is_no_paper_is_refused(phone: Browser, season: Season) -> None:
    path = f"/cooperative/costs/{season.lot.code}"
    phone.open(path)
    page = send(phone, path, {"kind": "freight", "amount": "12", "incurred_on": "2026-10-03"}, [b"<script>alert(1)</script>"])
    assert "只收照片" in page
    assert amounts() == []


def test_a_form_sent_twice_tells_one_cost(phone: Browser, season: Season) -> None:
    path = f"/cooperative/costs/{season.lot.code}"
    phone.open(path)
    for _ in range(2):
        send(phone, path, {"kind": "freight", "amount": "12", "incurred_on": "2026-10-03"}, [])
    assert amounts() == [1200]
    assert "没有再记第二次" in phone.open(path).text


def test_he_cancels_a_cost_with_a_reason(phone: Browser, season: Season) -> None:
    cost = tell_cost(season, 9_900, on=date(2026, 10, 3))
    path = f"/cooperative/costs/{season.lot.code}"
    phone.open(path)
    page = phone.press(f"{path}/{cost}/cancel", typed={"reason": " "})
    assert page.status == 422 and "写一句为什么" in page.text
    page = phone.press(f"{path}/{cost}/cancel", typed={"reason": "记错了批次"})
    assert "冲销了 ¥99.00" in page.text and "已冲销" in page.text and "记错了批次" in page.text
    assert amounts() == [9_900, -9_900]
    assert not [form for form in page.forms if form.action.endswith("/cancel")]


def test_the_list_sums_what_stands(phone: Browser, season: Season) -> None:
    page = phone.open("/cooperative/costs/")
    assert "还没记成本" in page.text
    tell_cost(season, 12_345, on=date(2026, 10, 3))
    page = phone.open("/cooperative/costs/")
    assert "1 笔，¥123.45" in page.text
