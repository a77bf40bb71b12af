"""Calling a lot back: blocked at once, told to whoever bought of it, each side seeing what it may."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from shop.accounts.roles import Role
from shop.acts.recall_lot import RecalledAlready, recall_lot, tell_of_recalls
from shop.acts.ship_parcel import ship_parcel
from shop.extensions import reading
from shop.kit.clock import utc_now
from shop.kit.ids import ShipmentId
from shop.outbox.models import Letter
from shop.shipping.models import Shipment
from shop.stock.errors import LotIsRecalled, NotEnoughStock
from shop.stock.models import Recall, RecallKind
from tests.browser import Browser
from tests.factories import make_cooperative, make_lot, make_product, make_user, make_village, sign_in
from tests.providers import FakeProvider
from tests.shopping import buy, pay, place

WORDS = "这一批有的袋子发霉了（示例）"


def letters() -> list[str]:
    with reading() as session:
        return list(session.scalars(select(Letter.subject).where(Letter.kind == "lot_recalled").order_by(Letter.id)))


def test_a_recall_blocks_at_once_and_tells_whoever_bought(phone: Browser, provider: FakeProvider) -> None:
    rice = make_product()
    lot, other = make_lot(rice, code="BS2610A", units=5), make_lot(rice, code="BS2610B", units=1)
    bought = [buy(provider, {rice.sku: 2}, name="梅女士"), buy(provider, {rice.sku: 3}, name="李先生")]
    buy(provider, {rice.sku: 1})
    assert other.code == "BS2610B"
    page = phone.open("/cooperative/lots/BS2610A/recall")
    assert "买过的订单 2 单" in page.text and "还没寄出的包裹 2 件" in page.text
    assert "梅女士" not in page.text, "a cooperative sees orders, not people"
    page = phone.press("/cooperative/lots/BS2610A/recall", "召回", {"kind": "spoilt", "words": WORDS})
    assert page.status == 422 and not letters(), "it has to be meant"
    page = phone.press("/cooperative/lots/BS2610A/recall", "召回", {"is_sure": "y"})
    assert page.status == 200 and "写好 2 封" in page.text and WORDS in page.text
    assert letters() == [placed.number for placed in bought]
    with pytest.raises(NotEnoughStock):
        buy(provider, {rice.sku: 1})
    with reading() as session:
        parcel = ShipmentId(session.scalars(select(func.min(Shipment.id))).one())
    with pytest.raises(LotIsRecalled):
        ship_parcel(parcel, carrier="顺丰速运", tracking_number="SF1234567890", by=None, now=utc_now())
    assert WORDS in phone.open("/cooperative/lots/BS2610A").text
    assert WORDS in phone.open("/lots/BS2610A").text
    assert lot.code == "BS2610A"


def test_letters_go_on_where_they_were_and_a_recall_happens_once(
    app: Flask, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shop.acts.recall_lot.LETTERS_AT_ONCE", 1)
    rice, clerk = make_product(), make_user("Clerk", roles=[Role.OPERATIONS])
    lot = make_lot(rice, units=9)
    numbers = [buy(provider, {rice.sku: 1}).number for _ in range(2)]
    late = place({rice.sku: 1})
    for _ in range(2):
        recall_lot(lot.id, RecallKind.OTHER, words=WORDS, by=clerk.id, by_staff=True, once="k", now=utc_now())
    with pytest.raises(RecalledAlready):
        recall_lot(lot.id, RecallKind.OTHER, words=WORDS, by=clerk.id, by_staff=True, once="other", now=utc_now())
    while tell_of_recalls(now=utc_now()):
        pass
    assert letters() == numbers
    with reading() as session:
        assert session.scalars(select(Recall.told_at)).one() is None, "somebody may still pay for what they hold"
    pay(provider, late.number)
    numbers.append(late.number)
    while tell_of_recalls(now=utc_now()):
        pass
    assert letters() == numbers
    with reading() as session:
        recall = session.execute(select(Recall.letters, Recall.told_at)).one()
    assert recall.letters == 3 and recall.told_at is not None


def test_staff_open_the_orders_and_others_find_nothing(app: Flask, client: FlaskClient, provider: FakeProvider) -> None:
    rice = make_product()
    lot = make_lot(rice, code="BS2610A", units=5)
    placed = buy(provider, {rice.sku: 2})
    sign_in(client, make_user("Clerk", roles=[Role.OPERATIONS]))
    browser = Browser(client)
    page = browser.open("/staff/recalls/?code=bs2610a")
    assert page.path == "/staff/recalls/BS2610A" and f"/staff/orders/{placed.number}" in page.html
    browser.press("/staff/recalls/BS2610A", "召回", {"kind": "unsafe", "words": WORDS, "is_sure": "y"})
    assert WORDS in browser.open("/staff/recalls/").text
    neighbours = make_cooperative("桃映合作社", villages=[make_village("桃映村")])
    sign_in(client, make_user("Lao Wu", cooperatives=[neighbours.id]))
    assert Browser(client).open(f"/cooperative/lots/{lot.code}/recall").status == 404
