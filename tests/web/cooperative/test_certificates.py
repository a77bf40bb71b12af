"""A lot's 承诺达标合格证: issued and numbered, printed with its code, issued anew with a reason, and every one kept."""

from io import BytesIO

from pypdf import PdfReader
from sqlalchemy import select

from shop.extensions import reading
from shop.papers.models import LotCertificate
from tests.browser import Browser
from tests.factories import make_lot, make_product

AT = "/cooperative/lots/BS2610A/certificate"
WHOLE = {"basis": "own_control", "contact": "0856-1234567"}


def test_a_certificate_is_issued_printed_and_issued_anew(phone: Browser) -> None:
    make_lot(make_product(), code="BS2610A", units=20)
    phone.open(AT)
    assert phone.press(AT, "开合格证", {"contact": ""}).status == 422
    page = phone.press(AT, "开合格证", WHOLE)
    assert page.status == 200 and "BS2610A-1" in page.text
    for paper, width_pt in (("a6", 298), ("a4", 595)):
        reader = PdfReader(BytesIO(phone.client.get(f"{AT}/{paper}.pdf").data))
        words = reader.pages[0].extract_text()
        assert len(reader.pages) == 1 and round(reader.pages[0].mediabox.width) == width_pt
        for word in ("承诺达标合格证", "BS2610A-1", "白水", "100 kg", "0856-1234567", "[√] 内部质量控制"):
            assert word in words, (paper, word)
    phone.open(AT)
    assert "选为什么重开" in phone.press(AT, "开合格证").text
    page = phone.press(AT, "开合格证", {"why": "mixed", "grams": "60"})
    assert "BS2610A-2" in page.text and "和别的货混装了" in page.text and "BS2610A-1" in page.text
    with reading() as session:
        kept = session.execute(select(LotCertificate.number, LotCertificate.replaced_why).order_by(LotCertificate.id)).all()
    assert [tuple(row) for row in kept] == [("BS2610A-1", "mixed"), ("BS2610A-2", None)]


def test_what_cannot_be_certified_is_said_and_two_at_once_make_one(phone: Browser) -> None:
    make_lot(make_product(), code="BS2610A", units=20)
    first = dict(phone.open(AT).form(AT).fields) | WHOLE
    assert "这一批一共才 100 kg" in phone.press(AT, "开合格证", WHOLE | {"grams": "101"}).text
    phone.send(AT, first)
    phone.send(AT, first)
    late = phone.send(AT, first | {"once": "0" * 32, "why": "mistake"})
    assert late.status == 409 and "刚才有人开了一张" in late.text
    with reading() as session:
        assert len(session.scalars(select(LotCertificate.id)).all()) == 1
