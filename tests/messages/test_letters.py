"""What letters say, in both languages, and that each leaves the house once."""

import re
from datetime import date, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select, update

from shop.acts.confirm_payment import check_order_payments
from shop.acts.edit_order import EditWanted, edit_order
from shop.acts.lapse_unpaid import lapse_unpaid
from shop.acts.place_order import Wishes
from shop.acts.recall_lot import recall_lot
from shop.acts.refund_order import RefundWanted, refund_order
from shop.acts.ship_parcel import ship_parcel
from shop.acts.start_payment import start_payment
from shop.extensions import act, db, reading
from shop.kit.ids import CooperativeId, LotId, ShipmentId
from shop.messages.letters import KINDS
from shop.messages.sending import send_letters
from shop.orders.service import Address
from shop.orders.states import HOLD_TIME, OrderState
from shop.origin.models import Cooperative
from shop.outbox.models import Letter
from shop.outbox.service import MOST_TRIES, write_letter
from shop.papers.fapiao import FapiaoWanted
from shop.papers.models import FapiaoKind
from shop.reports.order_story import get_story
from shop.shipping.models import Shipment
from shop.shipping.rules import ServiceKind
from shop.shipping.service import Chosen
from shop.stock.models import Lot, RecallKind
from tests.factories import MadeProduct, make_cooperative, make_lot, make_mei, make_product, make_staff, make_villages
from tests.providers import FakeProvider
from tests.shopping import NOW, buy, picks_of, place
from tests.statements import count_statements
from tests.vouchers import a_voucher

TEMPLATES = Path(__file__).resolve().parents[2] / "templates" / "messages"


@pytest.fixture
def outbox(app: Flask, tmp_path: Path) -> Path:
    """Where this test's letters are written."""
    folder: Path = app.config["SHOP"].instance_path / "outbox"
    for old in folder.glob("*") if folder.exists() else ():
        old.unlink()
    return folder


@pytest.fixture
def rice(app: Flask) -> MadeProduct:
    """白水贡米 from a lot of two villages."""
    baishui, gaobatian = make_villages("白水村", "高坝田村")
    product = make_product(village=baishui, cooperative=make_cooperative())
    make_lot(product, units=20, sources=[(baishui, 700_000), (gaobatian, 300_000)], code="BS2610B")
    return product


def post(app: Flask, *, now: datetime = NOW) -> int:
    """The worker's round."""
    return send_letters(app.config["SHOP"], now=now)


def read_mail(outbox: Path, kind: str) -> tuple[EmailMessage, str, str]:
    """The one letter of a kind: the message, its plain text and its HTML."""
    (path,) = outbox.glob(f"*-{kind}-*.eml")
    mail = message_from_bytes(path.read_bytes(), policy=policy.default)
    assert isinstance(mail, EmailMessage)
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None and html is not None
    return mail, str(text.get_content()).replace("\xa0", " "), str(html.get_content()).replace("\xa0", " ")


def test_an_order_that_waits_says_until_when_its_goods_are_kept(app: Flask, outbox: Path, rice: MadeProduct) -> None:
    placed = place({rice.sku: 2})
    assert post(app) == 1
    mail, text, html = read_mail(outbox, "order_received")
    assert mail["Subject"] == f"订单 {placed.number} 收到了，等你付款"
    assert mail["To"] == "mei@example.test"
    assert mail["Content-Language"] == "zh-Hans"
    assert "留到 2026 年 11 月 23 日 10:35" in text
    link = f"{app.config['SHOP'].public_url}/orders/{placed.number}?key={placed.key}"
    assert link in text.splitlines()
    assert f'href="{link}"' in html
    assert '<html lang="zh-Hans">' in html


def test_a_paid_order_says_to_the_fen_which_village_got_what(app: Flask, outbox: Path, provider: FakeProvider, rice: MadeProduct) -> None:
    placed = buy(provider, {rice.sku: 3})
    post(app)
    _, text, html = read_mail(outbox, "order_paid")
    goods_fen = 3 * rice.sku.price_fen
    for said in (text, html):
        assert "白水村" in said and f"¥{goods_fen * 7 // 10 / 100:.2f}" in said
        assert "高坝田村" in said and f"¥{goods_fen * 3 // 10 / 100:.2f}" in said
        assert "批次 BS2610B × 3" in said
        assert "实付，支付宝" in said
        assert f"¥{placed.total_fen / 100:.2f}" in said
        assert "江苏省苏州市昆山市周市镇新塘路 18 号" in said


@pytest.mark.parametrize("locale", ["zh", "en"])
def test_letters_name_the_voucher_the_gift_note_the_fapiao_and_when_it_arrives(
    app: Flask, outbox: Path, provider: FakeProvider, rice: MadeProduct, locale: str
) -> None:
    with reading() as session:
        cooperative_id = CooperativeId(session.scalars(select(Cooperative.id)).one())
    wishes = Wishes(
        voucher_codes=(a_voucher(),),
        fapiao=FapiaoWanted(FapiaoKind.PERSON, "梅女士", None, "mei@example.test"),
        chosen={cooperative_id: Chosen(ServiceKind.QUICK, date(2026, 11, 26), date(2026, 11, 28))},
    )
    buy(provider, {rice.sku: 3}, wishes=wishes, gift_note="奶奶，新米到了", locale=locale)
    post(app)
    expected = {
        "zh": ("秋收立减", "-10.00", "加急快递，约 11 月 26 日至 11 月 28 日到", "送人的话随货放进去", "发票：开给“梅女士”"),
        "en": ("Harvest thanks", "-10.00", "Nov 26 to Nov 28", "gift note", "made out to “"),
    }[locale]
    for kind in ("order_received", "order_paid"):
        for said in read_mail(outbox, kind)[1:]:
            plain = said.replace("−", "-").replace("¥", "")
            assert [words for words in expected if words not in plain] == []
            assert "奶奶" not in said, "what is written on the card stays between the two"


def test_a_parcel_that_leaves_says_with_whom_and_what_is_in_it(app: Flask, outbox: Path, provider: FakeProvider, rice: MadeProduct) -> None:
    placed = buy(provider, {rice.sku: 1})
    with reading() as session:
        shipment_id = ShipmentId(session.scalars(select(Shipment.id)).one())
    ship_parcel(shipment_id, carrier="顺丰", tracking_number="SF1234567890", by=None, now=NOW)
    post(app)
    mail, text, html = read_mail(outbox, "parcel_shipped")
    assert mail["Subject"] == f"订单 {placed.number} 寄出一包"
    for said in (text, html):
        assert "顺丰" in said and "SF1234567890" in said and "白水贡米" in said
    assert "还有" not in text


def test_a_refund_says_what_goes_back_and_from_which_village(app: Flask, outbox: Path, provider: FakeProvider, rice: MadeProduct) -> None:
    placed = buy(provider, {rice.sku: 3})
    (pick,) = picks_of(placed.number)
    refund_order(placed.number, RefundWanted(units={pick.id: 1}, reason="少了一袋"), once="r1", by=None, now=NOW)
    post(app)
    mail, text, html = read_mail(outbox, "refund_made")
    back_fen = rice.sku.price_fen
    assert mail["Subject"] == f"退你 ¥{back_fen / 100:.2f}，按原路退回"
    for said in (text, html):
        assert "退回 1 袋" in said
        assert f"¥{back_fen * 7 // 10 / 100:.2f}" in said
        assert f"¥{back_fen * 3 // 10 / 100:.2f}" in said
        assert "支付宝" in said


def test_money_that_came_too_late_is_explained(app: Flask, outbox: Path, provider: FakeProvider, rice: MadeProduct) -> None:
    late = NOW + HOLD_TIME * 3
    placed = place({rice.sku: 20})
    start_payment(placed.number, now=NOW)
    assert lapse_unpaid(now=late) == 1
    place({rice.sku: 20}, now=late, email="other@example.test")
    provider.pay_late(next(iter(provider.sessions)))
    assert check_order_payments(placed.number, now=late) is OrderState.LAPSED
    post(app, now=late)
    mail, text, _ = read_mail(outbox, "payment_returned")
    assert mail["Subject"] == f"付款 ¥{placed.total_fen / 100:,.2f} 原样退回"
    assert "到得晚了" in text


def test_letters_are_written_in_the_language_of_their_order(app: Flask, outbox: Path, provider: FakeProvider, rice: MadeProduct) -> None:
    buy(provider, {rice.sku: 1}, locale="en")
    post(app)
    mail, text, html = read_mail(outbox, "order_paid")
    assert mail["Content-Language"] == "en"
    assert '<html lang="en">' in html
    for said in (text, html):
        assert "Baishui tribute rice 5 kg bag × 1" in said
    mail, text, _ = read_mail(outbox, "order_received")
    assert "Baishui tribute rice" in text


def test_what_somebody_typed_stays_text(app: Flask, outbox: Path, rice: MadeProduct) -> None:
    place({rice.sku: 1}, name="<b>梅</b>")
    post(app)
    _, text, html = read_mail(outbox, "order_received")
    assert "<b>梅</b>，" in text
    assert "&lt;b&gt;梅&lt;/b&gt;" in html and "<b>梅</b>" not in html


def test_a_letter_leaves_once(app: Flask, outbox: Path, rice: MadeProduct) -> None:
    place({rice.sku: 1})
    assert [post(app), post(app), post(app, now=NOW + timedelta(days=2))] == [1, 0, 0]
    assert len(list(outbox.iterdir())) == 1


def test_a_letter_is_a_file_that_only_the_shop_reads(app: Flask, outbox: Path, rice: MadeProduct) -> None:
    place({rice.sku: 1})
    post(app)
    (path,) = outbox.iterdir()
    assert re.fullmatch(r"\d{7}-order_received-SH-261123-[0-9A-Z]{6}\.eml", path.name)
    assert path.stat().st_mode & 0o777 == 0o600
    assert "货已经给你留着" in path.read_text(encoding="utf-8")  # readable without a mail program


def test_who_left_only_a_number_gets_a_short_text(app: Flask, outbox: Path, rice: MadeProduct) -> None:
    placed = place({rice.sku: 1}, email=None)
    assert post(app) == 1
    (path,) = outbox.glob("*.txt")
    number, _, short = path.read_text(encoding="utf-8").partition("\n\n")
    assert number == "13800132207"
    assert short.startswith(f"【山海集】订单 {placed.number} 收到了，等你付款 http")


def test_a_person_who_was_deleted_gets_nothing(app: Flask, outbox: Path, rice: MadeProduct) -> None:
    place({rice.sku: 1})
    act(lambda: db.session.execute(update(Letter).values(to_email=None, to_phone=None)))()
    assert post(app) == 1
    assert not outbox.exists() or not list(outbox.iterdir())
    assert post(app) == 0


def test_a_letter_that_cannot_be_written_out_keeps_no_other_waiting(app: Flask, outbox: Path, rice: MadeProduct) -> None:
    place({rice.sku: 1}, email="梅 <at> nowhere")
    place({rice.sku: 1})
    assert post(app) == 1
    with reading() as session:
        failed = session.scalars(select(Letter).where(Letter.sent_at.is_(None))).one()
        assert failed.trouble and "nowhere" not in failed.trouble
        assert failed.next_try_at > NOW
        assert failed.given_up_at is None


def test_a_letter_is_given_up_in_the_end(app: Flask, outbox: Path, rice: MadeProduct) -> None:
    place({rice.sku: 1}, email="梅 <at> nowhere")
    act(lambda: db.session.execute(update(Letter).values(tries=MOST_TRIES - 1)))()
    assert post(app) == 0
    with reading() as session:
        assert session.scalars(select(Letter.given_up_at)).one() == NOW


def test_a_letter_reads_the_same_however_many_lines_it_has(app: Flask, outbox: Path, provider: FakeProvider, rice: MadeProduct) -> None:
    others = [make_product(f"第{number}样", village=None) for number in range(4)]
    for other in others:
        make_lot(other)
    seen = []
    for basket in ({rice.sku: 1}, {rice.sku: 1} | {other.sku: 1 for other in others}):
        buy(provider, basket)
        with count_statements() as statements:
            post(app)
        seen.append(len(statements))
    assert seen[0] == seen[1]


def test_every_kind_has_its_pair_of_templates() -> None:
    for kind in KINDS:
        assert (TEMPLATES / f"{kind}.txt").is_file()
        assert (TEMPLATES / f"{kind}.html").is_file()


@pytest.mark.parametrize("locale", ["zh", "en"])
def test_a_buyer_is_told_what_staff_changed_before_packing(
    app: Flask, provider: FakeProvider, outbox: Path, rice: MadeProduct, locale: str
) -> None:
    placed = buy(provider, {rice.sku: 3}, locale=locale)
    staff = make_staff()
    with reading():
        line = get_story(placed.number).lines[0].line_id
    address = Address("示例收件人", "13900001111", "玉山镇", "前进路 1 号")
    edit_order(placed.number, EditWanted(keep={line: 2}, address=address), four_eyes_fen=1_000_00, once="1", by=staff.id, now=NOW)
    post(app)
    mail, text, html = read_mail(outbox, "order_edited")
    assert placed.number in mail["Subject"]
    for words in (text, html):
        assert ("3 件改成 2 件" if locale == "zh" else "3 → 2") in words and "68.00" in words
        assert "前进路" not in words, "where it goes stands on the order's page alone"


# ── Letters about no order ────────────────────────────────────────────────────────────────────────────────────────────


def tell_of_change(user_id: int, *, to_email: str | None = None, to_phone: str | None = None, locale: str = "zh") -> None:
    facts = {"user_id": user_id, "what": "password", "at": NOW.isoformat()}
    values = {"once": f"changed:{user_id}:{locale}", "subject": f"user:{user_id}", "locale": locale, "facts": facts, "now": NOW}
    act(lambda: write_letter("account_changed", to_email=to_email, to_phone=to_phone, **values))()  # type: ignore[arg-type]


def test_a_letter_may_be_about_a_person_instead_of_an_order(app: Flask, outbox: Path) -> None:
    mei = make_mei()
    tell_of_change(mei.id, to_email="mei@example.test")
    assert post(app) == 1
    mail, text, html = read_mail(outbox, "account_changed")
    assert mail["Subject"] == "你的登录密码改了"
    for said in (text, html):
        assert "2026 年 11 月 23 日 10:00" in said and f"{app.config['SHOP'].public_url}/account/" in said


def test_it_reaches_a_telephone_in_its_own_language(app: Flask, outbox: Path) -> None:
    tell_of_change(make_mei().id, to_phone="13800132207", locale="en")
    post(app)
    (path,) = outbox.glob("*.txt")
    assert path.read_text(encoding="utf-8").endswith(f"Your password was changed {app.config['SHOP'].public_url}/account/\n")


def test_a_letter_that_has_nothing_to_say_any_more_is_not_sent(app: Flask, outbox: Path) -> None:
    tell_of_change(404, to_email="gone@example.test")
    assert post(app) == 1
    assert not list(outbox.glob("*")) and post(app) == 0


@pytest.mark.parametrize("locale", ["zh", "en"])
def test_a_recall_is_told_as_long_as_something_of_it_is_with_the_buyer(
    app: Flask, provider: FakeProvider, outbox: Path, rice: MadeProduct, locale: str
) -> None:
    kept = buy(provider, {rice.sku: 1}, locale=locale)
    refunded = buy(provider, {rice.sku: 1}, locale=locale)
    with reading() as session:
        lot_id = LotId(session.scalars(select(Lot.id).where(Lot.code == "BS2610B")).one())
        line = get_story(refunded.number).lines[0].line_id
    refund_order(refunded.number, RefundWanted(units={line: 1}), once="1", by=None, now=NOW)
    words = "有的袋子发霉了（示例）"
    recall_lot(lot_id, RecallKind.SPOILT, words=words, by=make_staff().id, by_staff=True, once="1", now=NOW)
    post(app)
    mail, text, html = read_mail(outbox, "lot_recalled")
    assert "BS2610B" in mail["Subject"] and kept.number in text
    assert words in text and words in html
    assert locale == "zh" or f'<span lang="zh-Hans">{words}</span>' in html
