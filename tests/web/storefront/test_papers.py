"""An order on paper: receipt and certificate can be read, and the certificate's page confirms without saying who bought."""

import io

from flask.testing import FlaskClient
from pypdf import PdfReader

from shop.acts.place_order import Wishes
from shop.acts.refund_order import RefundWanted, refund_order
from shop.papers.fapiao import FapiaoWanted
from shop.papers.models import FapiaoKind
from tests.browser import Browser
from tests.factories import make_lot, make_product
from tests.providers import FakeProvider
from tests.shopping import NOW, buy, picks_of, place
from tests.vouchers import a_voucher


def text_of(content: bytes) -> str:
    return "".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)


def test_a_certificate_is_confirmed_without_a_name_and_says_what_was_refunded_since(client: FlaskClient, provider: FakeProvider) -> None:
    product = make_product()
    make_lot(product, units=9)
    order = buy(provider, {product.sku: 2}, name="𠮷田示例")
    paper = text_of(client.get(f"/orders/{order.number}/certificate.pdf?key={order.key}").data)
    code = next(word for word in paper.split() if word.startswith(order.number) and len(word) == len(order.number) + 17)
    browser = Browser(client)
    page = browser.open(f"/certificates/{code}")
    assert page.status == 200 and "没有退过款" in page.text
    assert "示例" not in page.html.split("<main", 1)[1].split("</main", 1)[0].replace("示例村", "") and "13800132207" not in page.html
    pick = picks_of(order.number)[0]
    refund_order(order.number, RefundWanted(units={pick.id: 1}), once="one", by=None, now=NOW)
    assert "后来退过" in browser.open(f"/certificates/{code}").text
    for wrong in (code[:-1], code[:-1] + ("0" if code[-1] != "0" else "1"), order.number, code + "0"):
        assert browser.open(f"/certificates/{wrong}").status == 404
    receipt = text_of(client.get(f"/orders/{order.number}/receipt.pdf?key={order.key}").data)
    assert "不是发票" in receipt and "净付" in receipt


def test_a_receipt_says_what_took_off_how_it_is_sent_and_where_the_fapiao_stands(client: FlaskClient, provider: FakeProvider) -> None:
    product = make_product()
    make_lot(product, units=9)
    fapiao = FapiaoWanted(FapiaoKind.PERSON, "梅女士", None, "mei@example.test")
    order = buy(provider, {product.sku: 2}, wishes=Wishes(voucher_codes=(a_voucher(),), fapiao=fapiao), gift_note="奶奶，新米到了")
    receipt = text_of(client.get(f"/orders/{order.number}/receipt.pdf?key={order.key}").data)
    for words in ("秋收立减", "10.00", "普通快递", "送人的话随货放进去", "发票：已经要了", "这是收据，不是发票"):
        assert words in receipt
    assert "奶奶" not in receipt and "mei@example.test" not in receipt


def test_there_is_no_paper_without_the_key_or_before_it_is_paid(client: FlaskClient, provider: FakeProvider) -> None:
    product = make_product()
    make_lot(product, units=9)
    placed = place({product.sku: 1})
    for paper in ("receipt.pdf", "certificate.pdf"):
        assert client.get(f"/orders/{placed.number}/{paper}?key={placed.key}").status_code == 404
        assert client.get(f"/orders/{placed.number}/{paper}").status_code == 404
