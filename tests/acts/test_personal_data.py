"""Everything known of a person can be taken along and emptied, wherever it stands; figures stay, and nothing goes while something is open."""

import io
import json
import re
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from PIL import Image
from sqlalchemy import JSON, String, cast, func, insert, select, update

from shop.accounts.models import Invite
from shop.accounts.new_emails import ask_for_email
from shop.accounts.queries import find_account
from shop.accounts.service import remember_address
from shop.accounts.sign_ups import ask_to_sign_up, forget_sign_ups
from shop.acts.answer_claim import refuse_claim
from shop.acts.deliver_order import complete_orders, mark_delivered
from shop.acts.expect_transfer import bring_slip
from shop.acts.match_transfer import match_line
from shop.acts.personal_data import (
    THINK_IT_OVER,
    WHOSE,
    Matter,
    NotForgottenYet,
    Person,
    ask_to_be_forgotten,
    copy_of,
    forget_due,
    open_matters,
    stay,
)
from shop.acts.place_order import Wishes
from shop.acts.remit import confirm_sent
from shop.acts.ship_parcel import ship_parcel
from shop.acts.write_message import write_message
from shop.extensions import act, db, reading
from shop.kit.ids import FapiaoId, OrderId, ProductId, ShipmentId, UserId
from shop.orders.models import Order
from shop.orders.notes import write_note
from shop.outbox.models import Letter
from shop.papers import fapiao
from shop.papers.attachments import clean_upload
from shop.papers.fapiao import FapiaoWanted
from shop.papers.models import Fapiao, FapiaoKind
from shop.payments.transfer import service as transfers
from shop.pictures.models import PictureFile
from shop.shipping.models import Shipment
from shop.voices.models import Side
from shop.voices.wishes import wish
from tests.claims import make_claim
from tests.factories import MadeSku, make_lot, make_mei, make_product, make_staff
from tests.providers import FakeProvider
from tests.shopping import NOW, assert_books_are_sound, buy, fill_basket, village_fen
from tests.transfers import money_comes, only_remittance, place_by_transfer
from tests.voices import make_review
from tests.vouchers import a_voucher

MARK = "标记"
"""Put into every personal column, and then nowhere to be found."""

NOT_PERSONAL = {
    "bank_accounts": {"payee"},  # a cooperative's own account, in its name
    "settlements": {"payee_name", "payee_account", "payee_bank", "payee_bank_code"},
    "lot_costs": {"note"},
    "villages": {"name", "name_en"},
    "vouchers": {"name", "name_en"},
    "saved_reports": {"name"},  # of a report
    "claims": {"reason_words"},  # one of those that the form offers
    "voucher_uses": {"name", "name_en"},
    "towns": {"name", "short_name", "name_en", "county_name"},
    "remittances": {"payee_from"},
    "cooperatives": {"name", "short_name", "name_en"},
    "eastern_units": {"name"},
    "place_lists": {"name"},  # a file's
    "place_names": {"name"},
    "shipping_closed_days": {"name"},  # a holiday's
    "shipping_tariffs": {"note"},  # why carriage changes
    "pairings": {"western_name"},
    "categories": {"name", "name_en"},
    "products": {"name", "name_en", "origin_note", "tax_category", "search_text"},
    "order_lines": {"product_name", "product_name_en", "tax_category"},
    "dividend_rules": {"name"},
    "task_files": {"name"},
    "pictures": {"name"},
    "recalls": {"words"},  # what is wrong with a lot, for everybody; the form says: no names
    "product_labels": {"name"},
}
"""Columns whose names sound like a person's and are not one's."""

SOUNDS_PERSONAL = re.compile(
    r"(?:^|_)(?:name|phone|email|street|town|payer|payee|recipient|author|note|memo|words|text|title|message|tax)(?:_|$)"
)


def finish(number: str) -> None:
    """Sent, arrived, its return window over."""
    with reading() as session:
        parcel = session.scalars(select(Shipment.id).join(Order, Order.id == Shipment.order_id).where(Order.number == number)).one()
    ship_parcel(ShipmentId(parcel), carrier="顺丰速运", tracking_number="SF1234567890123", by=make_staff().id, now=NOW)
    mark_delivered(ShipmentId(parcel), by=None, now=NOW)
    complete_orders(now=NOW + timedelta(days=8))


def a_picture() -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (8, 8)).save(written, "PNG")
    return written.getvalue()


@act
def mark_everything() -> None:
    for table in db.metadata.sorted_tables:
        for column in table.columns:
            if column.info.get("personal") and table.name not in (
                "order_notes",
                "order_messages",
            ):  # the database refuses to; its words bear the mark from the start
                value: object = {"words": MARK} if isinstance(column.type, JSON) else MARK
                if column.unique:
                    value = cast(table.c.id, String) + MARK
                db.session.execute(update(table).values({column: value}))


def personal_columns() -> list[tuple[str, str]]:
    return [(table.name, column.name) for table in db.metadata.sorted_tables for column in table.columns if column.info.get("personal")]


def test_every_table_with_personal_columns_says_whose_its_rows_are(app: Flask) -> None:
    known = {its.model.__tablename__ for its in WHOSE}
    assert {table for table, _ in personal_columns()} <= known, "give the table its row in WHOSE"


def test_no_column_that_sounds_personal_is_unmarked(app: Flask) -> None:
    unmarked = [
        f"{table.name}.{column.name}"
        for table in db.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, String)
        and SOUNDS_PERSONAL.search(column.name)
        and not column.info.get("personal")
        and column.name not in NOT_PERSONAL.get(table.name, set())
    ]
    assert not unmarked, "mark the column PERSONAL, or say here that it is nobody's"


# ── A person who has done everything ──────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def sku(app: Flask) -> MadeSku:
    product = make_product()
    make_lot(product, units=50)
    return product.sku


@act
def _remember(user_id: UserId) -> None:
    remember_address(user_id, name="示例买家", phone="13800132207", district_code="320583", town="周市镇", street="新塘路 18 号", now=NOW)


@act
def _join(user_id: UserId) -> None:
    link = {"kind": "staff", "grants": {"roles": []}, "seed": "", "note": "示例", "locale": "zh", "made_at": NOW, "expires_at": NOW}
    db.session.execute(insert(Invite).values(accepted_by=user_id, accepted_at=NOW, **link))


def live_a_full_life(sku: MadeSku, user_id: UserId, instance_path: Path) -> str:
    """Pay by transfer from one's own account, too much; bring the slip; be sent back the rest; have it all end. A colleague who adds a
    table with personal columns lets the person have a row of it here."""
    code = a_voucher(f"SELF{user_id}", minimum_fen=0, worth=1)
    company = FapiaoWanted(FapiaoKind.FIRM, "示例公司", "91320583MA1EXAMPL1", "mei@example.test")
    placed = place_by_transfer({sku: 2}, buyer_id=user_id, wishes=Wishes((code,), company))
    bring_slip(placed.number, clean_upload(a_picture()), "示例买家", instance_path=instance_path, by=user_id, now=NOW)
    match_line(money_comes(placed.total_fen + 700), placed.number, by=None, now=NOW)
    one, two = make_staff().id, make_staff().id
    transfers.mark_sent(only_remittance(), bank_reference="OUT-1", by=one, now=NOW)
    confirm_sent(only_remittance(), by=two, now=NOW)
    _remember(user_id)
    fill_basket({sku: 1}, user_id=user_id)
    _join(user_id)
    ask_to_sign_up(email=f"{user_id}@example.test", phone=None, password_hash="x", name=MARK, locale="zh", now=NOW)
    ask_for_email(UserId(user_id), f"{user_id}@new.example.test", locale="zh", now=NOW)
    write_note(placed.number, MARK, once=placed.number, by=one, now=NOW)
    make_review(placed.number, words=MARK)
    claim = make_claim(placed.number).claim_id
    assert Matter.RETURN in {each.matter for each in open_matters(Person(user_id))}, "its photographs are needed"
    refuse_claim(claim, why="示例", is_staff=False, by=one, now=NOW)
    wish(ProductId(1), email=f"{MARK}{user_id}@example.test", locale="zh", by=user_id, now=NOW)
    write_message(placed.number, MARK, side=Side.BUYER, cooperative_id=None, once=placed.number, by=user_id, now=NOW)
    finish(placed.number)
    with reading() as session:
        fapiao_id = FapiaoId(
            session.scalars(select(Fapiao.id).join(Order, Order.id == Fapiao.order_id).where(Order.number == placed.number)).one()
        )
        assert Matter.FAPIAO in {each.matter for each in open_matters(Person(user_id))}, "it needs the name it is made out to"
    fapiao.issue(fapiao_id, number="1", amount_fen=placed.total_fen, issued_on=NOW.date(), today=NOW.date(), by=one, now=NOW)
    return placed.number


def rows_with_the_mark() -> list[str]:
    with reading() as session:
        return [
            f"{table.name}.{column.name}"
            for table in db.metadata.sorted_tables
            for column in table.columns
            if column.info.get("personal") and any(MARK in str(value) for value in session.scalars(select(column)))
        ]


def test_being_forgotten_empties_every_personal_column_and_leaves_the_figures(sku: MadeSku, app: Flask, tmp_path: Path) -> None:
    mei = make_mei()
    number = live_a_full_life(sku, mei.id, tmp_path)
    with reading() as session:
        empty = {name for name, _ in personal_columns() if not session.scalar(select(func.count()).select_from(db.metadata.tables[name]))}
    assert not empty, "let the person of this test have a row of each"
    mark_everything()
    figures = village_fen()
    asked = ask_to_be_forgotten(Person(mei.id), now=NOW + timedelta(days=9))
    assert asked.due_at == NOW + timedelta(days=9) + THINK_IT_OVER
    assert forget_due(instance_path=tmp_path, now=asked.due_at - timedelta(seconds=1)) == 0
    assert forget_due(instance_path=tmp_path, now=asked.due_at) == 1
    assert forget_sign_ups(now=asked.due_at) == 1, "which nobody finished"
    assert set(rows_with_the_mark()) == {"users.email", "users.phone", "users.name", "sign_ins.device"}, "the staff's own"
    with reading() as session:
        assert find_account(mei.id) is None
        assert session.scalar(select(func.count()).select_from(Letter).where(Letter.sent_at.is_(None), Letter.given_up_at.is_(None))) == 0
        assert session.scalar(select(Order.total_fen).where(Order.number == number)) > 0  # type: ignore[operator]
        assert session.scalar(select(func.count()).select_from(PictureFile)) == 0, "and so are the photographs"
    assert not list(tmp_path.rglob("attachments/*/*")), "the slip is gone from the disc"
    assert village_fen() == figures
    assert_books_are_sound()
    assert forget_due(instance_path=tmp_path, now=asked.due_at + timedelta(days=1)) == 0, "once"


def test_a_copy_holds_what_is_known_and_no_secret(sku: MadeSku, app: Flask, tmp_path: Path) -> None:
    mei, other = make_mei(), make_mei()
    number = live_a_full_life(sku, mei.id, tmp_path)
    with reading():
        archive = zipfile.ZipFile(io.BytesIO(copy_of(Person(mei.id), instance_path=tmp_path, now=NOW)))
    text = archive.read("data.json").decode()
    told = json.loads(text)
    assert told["users"]["rows"][0]["email"] == mei.email
    assert [row["number"] for row in told["orders"]["rows"]] == [number]
    assert {"addresses", "order_lines", "payments", "transfers", "bank_lines", "remittances", "letters", "consents"} <= set(told) | {
        "consents"
    }
    names = [name.partition("/")[0] for name in archive.namelist()]
    assert names.count("files") == 1 and names.count("photos") == 2, "of the review, and of what was given back"
    assert "password_hash" not in text and "key" not in told["orders"]["rows"][0] and other.email not in text


def test_nobody_is_forgotten_while_something_is_open_and_anybody_may_think_better_of_it(
    sku: MadeSku, provider: FakeProvider, app: Flask, tmp_path: Path
) -> None:
    mei, staff = make_mei(), make_staff()
    number = buy(provider, {sku: 1}, buyer_id=mei.id).number
    with pytest.raises(NotForgottenYet) as refusal:
        ask_to_be_forgotten(Person(mei.id), now=NOW)
    assert [(each.matter, each.number) for each in refusal.value.matters] == [(Matter.ORDER, number)]
    with pytest.raises(NotForgottenYet) as refusal:
        ask_to_be_forgotten(Person(staff.id), now=NOW)
    assert refusal.value.matters[0].matter is Matter.DUTY
    finish(number)
    late = NOW + timedelta(days=9)
    ask_to_be_forgotten(Person(mei.id), now=late)
    assert ask_to_be_forgotten(Person(mei.id), now=late + timedelta(days=1)).asked_at == late, "asked twice, it is once"
    buy(provider, {sku: 1}, buyer_id=mei.id, now=late)
    assert forget_due(instance_path=tmp_path, now=late + THINK_IT_OVER) == 0, "bought since: it waits until that is over"
    stay(Person(mei.id), now=late)
    with reading():
        assert find_account(mei.id) is not None


def test_a_guest_is_forgotten_by_order(sku: MadeSku, provider: FakeProvider, app: Flask, tmp_path: Path) -> None:
    mine, other = buy(provider, {sku: 1}), buy(provider, {sku: 1})
    finish(mine.number)
    with reading() as session:
        order_id = session.scalars(select(Order.id).where(Order.number == mine.number)).one()
    asked = ask_to_be_forgotten(Person(order_id=OrderId(order_id)), now=NOW + timedelta(days=9))
    assert forget_due(instance_path=tmp_path, now=asked.due_at) == 1
    with reading() as session:
        rows = {row.number: row for row in session.execute(select(Order.number, Order.name, Order.phone, Order.key, Order.region))}
    assert (rows[mine.number].name, rows[mine.number].phone) == ("", "")
    assert rows[mine.number].key != mine.key, "old links open nothing"
    assert rows[mine.number].region, "the district stays, for the figures"
    assert rows[other.number].name and rows[other.number].key == other.key
