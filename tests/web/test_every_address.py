"""Every role at every address: who may, may; to everybody else it is not there; and every answer keeps the laws of a page.

The addresses come from the URL map, so a new one is tried here before anybody remembers to.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask, current_app, session
from flask.testing import FlaskClient
from flask_wtf.csrf import generate_csrf
from sqlalchemy import func, select, update
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from shop.accounts.invites import STAFF, find_open_invite, invite
from shop.accounts.models import SignIn
from shop.accounts.new_emails import ask_for_email, confirm_path, find_new_email
from shop.accounts.own import reset_address
from shop.accounts.roles import Permission, Role, permissions_of
from shop.accounts.sign_ups import ask_to_sign_up, find_sign_up
from shop.acts.decide_refund import Waiting, ask_refund
from shop.acts.expect_transfer import bring_slip
from shop.acts.follow_account import follow_disputes, follow_movements, follow_payouts
from shop.acts.import_tasks import upload_sales
from shop.acts.match_transfer import match_line
from shop.acts.parcel_lists import ask_to_deliver
from shop.acts.refund_order import RefundWanted, refund_order
from shop.catalog.labels import give_mark, note_price
from shop.catalog.models import MarkKind, NetUnit
from shop.catalog.photos import add_photo
from shop.extensions import act, db, dialect, reading
from shop.kit.clock import utc_now
from shop.kit.ids import InviteId, SignUpId, WishId
from shop.kit.keys import link_key
from shop.kit.pictures import draw
from shop.orders.models import Channel, Order
from shop.papers.attachments import clean_upload
from shop.papers.certificates import issue_certificate
from shop.papers.models import PermitKind, PromiseBasis
from shop.papers.permits import record_permit
from shop.payments.models import BalanceKind, SuspenseItem
from shop.reports.exports import ask_for_export
from shop.reports.long_reports import ask_for_report
from shop.reports.order_story import get_story
from shop.reports.periods import Period, month_of
from shop.reports.ready import ReadyAsked
from shop.reports.sales_page import Asked
from shop.reports.saved import save_report
from shop.reports.saved_models import Rolling
from shop.shipping.models import Shipment
from shop.stock.photos import add_lot_photo
from shop.voices.models import ReviewPhoto
from shop.voices.wishes import find_wish, wish
from shop.web.storefront.papers import code_of
from tests.books import sell
from tests.buying import MadeBuying, make_buying
from tests.claims import MadeClaim, make_claim
from tests.correcting import MadeCorrecting, make_correcting
from tests.database import ONCE
from tests.dividends import MadeDividend, make_dividend
from tests.factories import (
    MadeCooperative,
    MadeLot,
    MadeProduct,
    Person,
    make_auditor_lin,
    make_cooperative,
    make_lao_chen,
    make_lot,
    make_mei,
    make_product,
    make_staff,
    make_stranger,
    make_user,
    make_village,
    sign_in,
)
from tests.kit.test_pictures import picture
from tests.markup import Reader
from tests.providers import FakeProvider
from tests.registers import MadeRegister, make_register
from tests.settling import make_settlement
from tests.shopping import NOW, assert_books_are_sound, buy
from tests.transfers import money_comes, only_remittance, place_by_transfer
from tests.voices import first_line, make_review

# ── The world, and who walks through it ───────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class World:
    """白水贡米 of Lao Chen's cooperative, and Mei's paid order for a bag of it."""

    cooperative: MadeCooperative
    product: MadeProduct
    lot: MadeLot
    mei: Person
    number: str
    key: str
    shipment_id: int
    dividend: MadeDividend
    bank: "AtTheBank"
    settlement: str
    suspense_id: int
    correcting: MadeCorrecting
    buying: MadeBuying
    task_id: int
    pictured: "Pictured"
    invite_id: InviteId
    report_id: int
    by_hand: str
    export_id: int
    list_id: int
    saved_id: int
    claimed: MadeClaim
    sign_up_id: int
    register: MadeRegister


@dataclass(frozen=True)
class Pictured:
    """A photograph of the product, and one file of it."""

    photo_id: int
    name: str
    mark_id: int
    price_id: int
    review_id: int
    picture_id: int
    wish_id: int
    permit_id: int
    lot_photo_id: int
    paper: str
    file: str = "40.jpg"


def make_pictured(product: MadeProduct, lot: MadeLot, number: str, mei: Person) -> Pictured:
    drawn, day = draw(picture()), NOW.date()
    photo_id = add_photo(product.id, drawn, alt="稻田", by=None, now=NOW)
    give_mark(product.id, MarkKind.GREEN, number="LB-1", issuer="示例", first_day=day, last_day=day, by=None, now=NOW)
    price = {"what": "某米", "price_fen": 100, "net_value": 500, "net_unit": NetUnit.GRAM, "source": "示例", "seen_on": day, "today": day}
    note_price(product.id, **price, by=None, now=NOW)  # type: ignore[arg-type]
    wish(product.id, email="mei@example.test", locale="zh", by=None, now=NOW)
    review_id = make_review(number, mei)
    days = {"first_day": day, "last_day": None, "picture": None, "is_sample": True}
    permit = {"number": "1", "issuer": "示例", "scope": "", **days}
    permit_id = record_permit(product.cooperative_id, PermitKind.BUSINESS, **permit, by=None, now=NOW)  # type: ignore[arg-type]
    with reading() as session_:
        picture_id = session_.scalars(select(ReviewPhoto.picture_id)).one()
    issue_certificate(
        lot.id,
        code=lot.code,
        source_version=1,
        number="",
        basis=PromiseBasis.OWN_WORD,
        grams=1,
        issued_on=day,
        contact="示例",
        picture=None,
        why=None,
        seen_number="",
        by=None,
        once="world",
        now=NOW,
    )
    lot_photo_id = add_lot_photo(lot.id, drawn, by=None, now=NOW)
    return Pictured(photo_id, drawn.name, 1, 1, review_id, picture_id, 1, permit_id, lot_photo_id, "a6")


@dataclass(frozen=True)
class AtTheBank:
    """A bank line whose surplus is to be sent back, a slip, a refund that the provider made and one that waits for a second person."""

    attempt_id: int
    refund_id: int
    line_id: int
    remittance_id: int
    request_id: int
    attachment_id: int


def go_to_the_bank(number: str, product: MadeProduct) -> AtTheBank:
    clerk = make_user("Clerk", roles=[Role.OPERATIONS])
    transferred = place_by_transfer({product.sku: 1})
    line_id = money_comes(transferred.total_fen + 100, by=clerk.id)
    match_line(line_id, transferred.number, by=None, now=NOW)
    paper = clean_upload(b"%PDF-1.4\n%%EOF\n")
    slip = bring_slip(transferred.number, paper, "", instance_path=current_app.config["SHOP"].instance_path, by=None, now=NOW)
    with reading():
        line = get_story(number).lines[0].line_id
    refund_order(number, RefundWanted(amounts={line: 1}, reason="破损"), once="1", by=None, now=NOW)
    waiting = ask_refund(number, RefundWanted(amounts={line: 2}), four_eyes_fen=0, once="2", by=clerk.id, now=NOW)
    assert isinstance(waiting, Waiting) and slip is not None
    with reading():
        paid = get_story(number).payments[0]
    return AtTheBank(paid.payment_id, paid.refunds[0].refund_id, line_id, only_remittance(), waiting.request_id, slip)


def make_suspense(provider: FakeProvider) -> int:
    """A movement at the provider that nobody knows; a dispute and a payout beside it."""
    provider.move(BalanceKind.UNKNOWN, -500)
    intent = next(session.intent_id for session in provider.sessions.values() if session.intent_id)
    provider.open_dispute(intent, 100)
    provider.pay_out()
    follow_movements(now=NOW)
    follow_disputes(now=NOW)
    follow_payouts(now=NOW)
    with reading() as session_:
        return session_.scalars(select(SuspenseItem.id)).one()


@pytest.fixture
def world(provider: FakeProvider) -> World:
    cooperative, product = make_cooperative(), make_product()
    lot = make_lot(product)
    mei = make_mei()
    placed = buy(provider, {product.sku: 2}, buyer_id=mei.id)
    dividend = make_dividend(cooperative, product, lot, make_lao_chen())
    settlement = make_settlement(cooperative, product)
    with reading() as session_:
        shipment = select(Shipment.id).join(Order, Order.id == Shipment.order_id).where(Order.number == placed.number)
        shipment_id = session_.scalars(shipment).one()
    bank = go_to_the_bank(placed.number, product)
    suspense_id = make_suspense(provider)
    corrected = make_correcting(product, lot)
    task_id = upload_sales(b"ref", name="f.csv", once="world", by=mei.id, now=NOW)
    report_id = ask_for_report(Asked(("product", "district"), Period(date(2026, 11, 1), date(2026, 11, 30))), by=mei.id, now=NOW)
    saved_id = save_report(
        ReadyAsked("refunds", month_of(date(2026, 11, 1))), "退款", rolling=Rolling.LAST_MONTH, is_shared=True, by=mei.id, now=NOW
    )
    export_id = ask_for_export(ReadyAsked("refunds", month_of(date(2026, 11, 1))), "csv", locale="zh", by=mei.id, now=NOW)
    return World(
        cooperative,
        product,
        lot,
        mei,
        placed.number,
        placed.key,
        shipment_id,
        dividend,
        bank,
        settlement,
        suspense_id,
        corrected,
        make_buying(mei, placed.number),
        task_id,
        make_pictured(product, lot, placed.number, mei),
        invite(STAFF, {"roles": ["viewer"]}, note="示例", by=None, now=utc_now()),
        report_id,
        sell((product.sku, 1), channel=Channel.OFFLINE).number,
        export_id,
        ask_to_deliver(b"A1", once="world", by=mei.id, now=NOW),
        saved_id,
        make_claim(placed.number, mei),
        come_to_the_door(mei),
        make_register(),
    )


def come_to_the_door(mei: Person) -> int:
    """A sign-up that waits for its letter, and an address of Mei's that does."""
    ask_to_sign_up(email="new@example.test", phone=None, password_hash="x", name="", locale="zh", now=utc_now())
    ask_for_email(mei.id, "mei.two@example.test", locale="zh", now=utc_now())
    return 1


CAST: dict[str, Callable[[], Person | None]] = {
    "guest": lambda: None,
    "buyer": make_stranger,
    "member": make_lao_chen,
    "staff": make_staff,
    "pairing": lambda: make_user("Pairing", roles=[Role.PAIRING]),
    "finance": lambda: make_user("Finance", roles=[Role.FINANCE]),
    "auditor": make_auditor_lin,
    "admin": lambda: make_user("Admin", roles=[Role.ADMIN]),
}
OWN = (
    "account.security.end_device",
    "account.security.confirm",
    "account.invites.accept",
    "account.addresses.edit",
    "account.addresses.change",
    "account.addresses.remove",
    "account.addresses.default",
    "staff.exports.show",
    "staff.exports.file",
    "staff.saved.forget",
)
"""Mei's own: whoever else is signed in finds nothing there."""
ROLES = {"staff": Role.OPERATIONS, "pairing": Role.PAIRING, "finance": Role.FINANCE, "auditor": Role.VIEWER, "admin": Role.ADMIN}


def granted_to(who: str) -> frozenset[Permission]:
    """What one of the cast may ask for."""
    if who == "guest":
        return frozenset({Permission.ANYONE})
    roles = frozenset({ROLES[who]}) if who in ROLES else frozenset()
    return permissions_of(roles, is_member=who == "member")


# ── The addresses ─────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Address:
    """One method of one rule, with its gaps filled from the world."""

    endpoint: str
    method: str
    path: str
    permission: Permission

    def __str__(self) -> str:
        return f"{self.method} {self.path} ({self.endpoint})"


def rules(app: Flask) -> Iterator[Rule]:
    """Every rule but that of static files."""
    return (rule for rule in app.url_map.iter_rules() if rule.endpoint != "static")


def addresses(app: Flask, world: World) -> list[Address]:
    """Every address of the shop. One with a gap that nobody knows an example for fails here: give it one."""
    found = []
    with app.test_request_context():
        for rule in rules(app):
            values = {name: example(rule.endpoint, name, world) for name in rule.arguments}
            if rule.endpoint in ("storefront.wishes.show", "storefront.wishes.end"):
                with reading():
                    values["key"] = find_wish(WishId(1)).key(current_app.config["SECRET_KEY"])  # type: ignore[union-attr]
            if rule.rule.startswith("/orders/<number>"):
                values["key"] = world.key
            values |= with_a_key(rule.endpoint, world)
            path = app.url_for(rule.endpoint, **values)
            permission = app.view_functions[rule.endpoint].permission  # type: ignore[attr-defined]  # set by `needs`
            found += [Address(rule.endpoint, method, path, permission) for method in sorted((rule.methods or set()) & {"GET", "POST"})]
    return found


def with_a_key(endpoint: str, world: World) -> dict[str, str]:
    """What opens a link of a letter."""
    secret = str(current_app.config["SECRET_KEY"])
    if endpoint == "account.invites.show":
        with reading():
            invite = find_open_invite(world.invite_id, now=utc_now())
        path = invite.path(secret) if invite else ""  # an admin may have withdrawn it
    elif endpoint == "account.reset.new_password":
        with reading():
            path = str(reset_address(email=world.mei.email, phone=None, at=int(utc_now().timestamp()), shop_secret=secret, allow_demo=True))
    elif endpoint == "account.door.finish":
        with reading():
            found = find_sign_up(SignUpId(world.sign_up_id), now=utc_now())
        path = found.path(secret) if found else ""
    elif endpoint == "account.security.confirm":
        with reading():
            waits = find_new_email(world.mei.id, now=utc_now())
        path = confirm_path(waits[1], secret) if waits else ""
    elif endpoint == "staff.exports.ask":
        return {"format": "csv"}
    elif endpoint == "staff.saved.stop":
        return {"key": link_key(secret, "report-letter", "1")}
    else:
        return {}
    return {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}


def example(endpoint: str, argument: str, world: World) -> str | int:
    """Something that is there, for one gap of one address."""
    if argument == "number" and endpoint.startswith(("staff.settlements.", "cooperative.money.")):
        return world.settlement
    if endpoint.startswith("staff.lists."):
        return world.list_id
    if argument == "number" and endpoint.startswith("staff.offline."):
        return world.by_hand
    slugs = {"products": world.product.slug, "villages": "baishui", "cooperatives": world.cooperative.slug, "dividends": "baishui"}
    slugs |= {"wishes": world.product.slug, "places": "baishui"}
    if endpoint.startswith("storefront.reviews.") and argument == "line_id":
        return first_line(world.number)
    if ".claims." in endpoint and argument == "picture_id":
        return world.claimed.claim_picture_id
    if argument == "photo_id" and endpoint.startswith("cooperative.lots."):
        return world.pictured.lot_photo_id
    if argument == "slug":
        return slugs[endpoint.split(".")[-2]]
    return {
        "code": world.lot.code,
        "sku": world.product.sku.code,
        "sku_id": world.product.sku.id,
        "product_id": world.product.id,
        **vars(world.pictured),
        "user_id": world.mei.id,
        "sign_in_id": 1,
        "invite_id": world.invite_id,
        "item_id": world.lot.item_id,
        "number": world.number,
        "certificate": code_of(world.number),
        "shipment_id": world.shipment_id,
        "task_id": world.task_id,
        "report_id": world.report_id,
        "ready": "refunds",
        "claim_id": world.claimed.claim_id,
        "sign_up_id": world.sign_up_id,
        "kind": "cancel",
        "saved_id": world.saved_id,
        "letter_id": 1,
        "export_id": world.export_id,
        "suspense_id": world.suspense_id,
        **vars(world.bank),
        "cooperative_id": world.cooperative.id,
        "month": "2026-11",
        "what": "waiting",
        "cost_id": world.dividend.cost_id,
        "rule_id": world.dividend.rule_id,
        "sheet_id": world.dividend.sheet_id,
        "run_id": world.dividend.run_id,
        "part": "sales",
        "payment_id": world.dividend.payment_id,
        "key": world.dividend.key,
        "paper_id": world.dividend.paper_id,
        **vars(world.correcting),
        **vars(world.buying),
        **vars(world.register),
        "off": "2027-01-01",
    }[argument]


def test_every_handler_says_what_it_asks_for(app: Flask) -> None:
    silent = [
        rule.endpoint for rule in rules(app) if not isinstance(getattr(app.view_functions[rule.endpoint], "permission", None), Permission)
    ]
    assert not silent, "write @needs(Permission.…) under the route"


# ── Walking ───────────────────────────────────────────────────────────────────────────────────────────────────────────


WALKS = [
    *(("sqlite", who, "zh") for who in CAST),
    ("sqlite", "guest", "en"),
    ("sqlite", "staff", "en"),
    *(("postgresql", who, "zh") for who in CAST),
]


@pytest.mark.parametrize(("database", "who", "locale"), WALKS, indirect=["database"])
def test_who_may_may_and_to_everybody_else_it_is_not_there(app: Flask, world: World, who: str, locale: str) -> None:
    """On PostgreSQL only what asks the database: refusals do not, and what anybody may is tried by one without an account and one with every right."""
    person, granted = CAST[who](), granted_to(who)
    is_everything = dialect() == "sqlite"
    asked = granted if who in ("guest", "admin") else granted - {Permission.ANYONE}
    lost = without_what_differs(walk_in(app, person, locale)[0].get("/nothing/is/here").text)
    has_acted = False
    wrong: list[str] = []
    for address in addresses(app, world):
        if not is_everything and address.permission not in asked:
            continue
        client, token = walk_in(app, person, locale) if has_acted else browser_of(app, person, locale)
        has_acted = address.method == "POST"
        answer = client.open(address.path, method=address.method, data={"csrf_token": token} if address.method == "POST" else None)
        if address.permission is Permission.PROVIDER:
            found = [] if answer.status_code == 400 else ["an unsigned call was not refused"]
        elif address.permission in granted and not address.endpoint.startswith(OWN):
            found = [*wrong_for_the_right_one(address, answer, lost), *laws_broken(answer, locale)]
        elif person is None:
            found = [*wrong_for_a_guest(address, answer), *laws_broken(answer, locale)]
        else:
            found = [*wrong_for_the_wrong_one(answer, lost), *headers_missing(answer)]  # the page is the same one each time
        wrong += [f"{address}: {what}" for what in found]
    wrong += [f"a page that is not there: {what}" for what in laws_broken(walk_in(app, person, locale)[0].get("/nothing/is/here"), locale)]
    assert not wrong, "\n".join(wrong)
    assert_books_are_sound()


def wrong_for_the_right_one(address: Address, answer: TestResponse, lost: str) -> Iterator[str]:
    """Who may, is shown something, or told what is wrong with an empty form."""
    good = (200, 302, 303) if address.method == "GET" else (200, 303, 404, 409, 422)
    if answer.status_code not in good:
        yield f"answered {answer.status_code}"
    elif answer.status_code == 404 and without_what_differs(answer.text) == lost:
        yield "told that there is no such page"


def wrong_for_a_guest(address: Address, answer: TestResponse) -> Iterator[str]:
    """A guest signs in first, and then comes back to where the page was; a form has no way back."""
    to = urlsplit(answer.headers.get("Location", ""))
    if (answer.status_code, to.path) != (303, "/account/sign-in"):
        yield f"a guest was answered {answer.status_code} {answer.headers.get('Location', '')}"
    elif parse_qs(to.query).get("next", [None])[0] != (address.path if address.method == "GET" else None):
        yield f"the way back is {to.query}"


def wrong_for_the_wrong_one(answer: TestResponse, lost: str) -> Iterator[str]:
    """Not yours looks like not there, to the letter."""
    if answer.status_code != 404:
        yield f"answered {answer.status_code} without the right"
    elif without_what_differs(answer.text) != lost:
        yield "looks different from a page that is not there"


@ONCE
def test_a_form_without_its_token_does_nothing(app: Flask, world: World) -> None:
    wrong = []
    for who in ("guest", "member", "admin"):
        person = CAST[who]()
        before = rows_everywhere()
        for address in addresses(app, world):
            if address.method == "POST" and address.permission is not Permission.PROVIDER:
                answer = browser_of(app, person, "zh")[0].post(address.path)
                if answer.status_code != 400 or "这张表单过期了" not in answer.text:
                    wrong.append(f"{who}: {address} answered {answer.status_code}")
        assert rows_everywhere() == before
    assert not wrong, "\n".join(wrong)


# ── Somebody else's ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("who", ["guest", "buyer", "member", "staff"])
def test_an_order_opens_only_for_its_key_and_its_buyer(app: Flask, world: World, provider: FakeProvider, who: str) -> None:
    person = CAST[who]()
    foreign_key = buy(provider, {world.product.sku: 1}, buyer_id=person.id if person else None).key
    lost = without_what_differs(walk_in(app, person, "zh")[0].get("/nothing/is/here").text)
    before, wrong = rows_everywhere(), []
    for address in addresses(app, world):
        if world.number not in address.path or not address.path.startswith("/orders/"):
            continue
        path = address.path.partition("?")[0]
        for query in ("", "?key=", f"?key={foreign_key}", f"?key={world.key[:-1]}", f"?key={world.key.upper()}x", "?key=%00%ff"):
            client, token = walk_in(app, person, "zh")
            answer = client.open(path + query, method=address.method, data={"csrf_token": token} if address.method == "POST" else None)
            wrong += [f"{address.method} {path}{query}: {what}" for what in wrong_for_the_wrong_one(answer, lost)]
    assert not wrong, "\n".join(wrong)
    assert rows_everywhere() == before
    mei, _token = walk_in(app, world.mei, "zh")
    assert mei.get(f"/orders/{world.number}").status_code == 200, "whoever bought it needs no key"


def test_a_cooperative_sees_and_changes_nothing_of_another(app: Flask, world: World) -> None:
    neighbours = make_cooperative("桃映养蜂专业合作社", villages=[make_village("桃映村")])
    neighbour = make_user("Lao Wu", cooperatives=[neighbours.id])
    lost = without_what_differs(walk_in(app, neighbour, "zh")[0].get("/nothing/is/here").text)
    before, wrong, tried = rows_everywhere(), [], 0
    for address in addresses(app, world):
        if not address.endpoint.startswith("cooperative.") or not re.search(r"/\d+|/" + world.lot.code, address.path):
            continue
        tried += 1
        client, token = walk_in(app, neighbour, "zh")
        data = {"csrf_token": token, "units": "1", "count": "1", "carrier": "顺丰速运", "tracking_number": "SF1234567890123"}
        answer = client.open(address.path, method=address.method, data=data if address.method == "POST" else None)
        wrong += [f"{address}: {what}" for what in wrong_for_the_wrong_one(answer, lost)]
    assert tried >= 5
    assert not wrong, "\n".join(wrong)
    assert rows_everywhere() == before
    client, _token = walk_in(app, neighbour, "zh")
    for path in ("/cooperative/", "/cooperative/stock", "/cooperative/lots/", "/cooperative/orders/"):
        page = client.get(path).text
        assert world.lot.code not in page, path
        assert world.number not in page, path


# ── Helpers ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def walk_in(app: Flask, person: Person | None, locale: str) -> tuple[FlaskClient, str]:
    """A browser of somebody, in a language, and the token its forms carry; signed in, though it may just have signed out."""
    if person is not None:
        act(lambda: db.session.execute(update(SignIn).where(SignIn.user_id == person.id).values(ended_at=None)))()
    return browser_of(app, person, locale)


def browser_of(app: Flask, person: Person | None, locale: str) -> tuple[FlaskClient, str]:
    """The same, of somebody who has done nothing since."""
    name, cookie, token = _cookie_of(app, person, locale)
    client = app.test_client()
    client.set_cookie(name, cookie)
    return client, token


@cache
def _cookie_of(app: Flask, person: Person | None, locale: str) -> tuple[str, str, str]:
    client = app.test_client()
    if person is not None:
        sign_in(client, person)
    raw = f"{0:040x}"
    with client.session_transaction() as kept:
        kept["locale"] = locale
        kept["csrf_token"] = raw
    name = app.config["SESSION_COOKIE_NAME"]
    cookie = client.get_cookie(name)
    assert cookie is not None
    with app.test_request_context():
        session["csrf_token"] = raw
        return name, cookie.value, generate_csrf()


def without_what_differs(html: str) -> str:
    """A page without the token of its forms, the way back from the choice of language, and what is in one's own basket."""
    return re.sub(r'name="csrf_token" value="[^"]*"|back=[^"]*|<a href="/cart/".*?</a>', "", html)


def rows_everywhere() -> dict[str, int]:
    """How many rows every table has."""
    with reading() as session_:
        return {table.name: session_.scalar(select(func.count()).select_from(table)) or 0 for table in db.metadata.sorted_tables}


# ── The laws of a page ────────────────────────────────────────────────────────────────────────────────────────────────

_LOADED = {
    "img": "src",
    "script": "src",
    "link": "href",
    "iframe": "src",
    "use": "href",
    "source": "srcset",
    "object": "data",
    "form": "action",
}
_UNLABELLED = {"hidden", "submit", "button", "image", "reset"}


def laws_broken(answer: TestResponse, locale: str) -> Iterator[str]:
    """What is wrong with any answer, whoever asked."""
    yield from headers_missing(answer)
    if answer.mimetype == "text/html" and answer.data and answer.status_code not in (301, 302, 303, 308):
        yield from _PageReader(answer.text).broken("en" if locale == "en" else "zh-Hans")


def headers_missing(answer: TestResponse) -> Iterator[str]:
    """What is wrong with any answer, but for the page itself."""
    policy = answer.headers.get("Content-Security-Policy", "")
    if "unsafe" in policy or not policy.startswith("default-src 'none'"):
        yield f"content policy {policy!r}"
    if answer.headers.get("X-Content-Type-Options") != "nosniff" or answer.headers.get("Referrer-Policy") != "same-origin":
        yield "a header of safety is missing"
    if answer.status_code >= 500:
        yield f"answered {answer.status_code}"


class _PageReader(Reader):
    """Reads a page once and notes what a page may not have."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.notes: list[str] = []
        self.lang = ""
        self.titles = 0
        self.ids: list[str] = []
        self.named: set[str] = set()
        self.labelled: set[str] = set()
        self.unlabelled: list[tuple[str, str]] = []
        self._labels_open = 0
        self._posts_without_token: str | None = None
        self._in_script = False
        self.feed(html)
        self.close()

    def broken(self, lang: str) -> Iterator[str]:
        yield from self.notes
        if self.lang != lang:
            yield f"lang is {self.lang!r}"
        if self.titles != 1:
            yield f"{self.titles} h1"
        yield from (f"id {each!r} twice" for each in {each for each in self.ids if self.ids.count(each) > 1})
        yield from (f"nothing has the id {each!r}" for each in self.named - set(self.ids))
        yield from (f"<{tag} name={name}> has no label" for tag, name in self.unlabelled if name not in self.labelled)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.notes += [f"<{tag} {name}>" for name in given if name == "style" or name.startswith("on")]
        is_said_only = given.get("rel") in ("canonical", "alternate") or given.get("type") == "application/ld+json"
        if tag == "style" or (tag == "script" and "src" not in given and not is_said_only):
            self.notes.append(f"<{tag}> inline")
        if not is_said_only and (place := given.get(_LOADED.get(tag, ""), "")) and not re.match(r"(/(?!/)|#|\?|data:image/)", place):
            self.notes.append(f"<{tag}> goes to {place}")
        if tag == "html":
            self.lang = given.get("lang", "")
        self.titles += tag == "h1"
        if tag == "img" and "alt" not in given:
            self.notes.append(f"<img src={given.get('src')}> has no alt")
        if "id" in given:
            self.ids.append(given["id"])
        for name in ("aria-labelledby", "aria-describedby", "aria-controls", "list"):
            self.named |= set(given.get(name, "").split())
        self._read_form(tag, given)

    def _read_form(self, tag: str, given: dict[str, str]) -> None:
        if tag == "form" and given.get("method", "").lower() == "post":
            self._posts_without_token = given.get("action", "")
        elif tag == "label":
            self._labels_open += 1
            self.labelled.add(given.get("for", ""))
        elif tag == "input" and given.get("name") == "csrf_token" and given.get("value"):
            self._posts_without_token = None
        is_field = tag in ("select", "textarea") or (tag == "input" and given.get("type") not in _UNLABELLED)
        if is_field and not self._labels_open and not given.keys() & {"aria-label", "aria-labelledby"}:
            self.unlabelled.append((tag, given.get("id") or given.get("name", "")))

    def handle_endtag(self, tag: str) -> None:
        if tag == "label":
            self._labels_open -= 1
        elif tag == "form" and self._posts_without_token is not None:
            self.notes.append(f"the form to {self._posts_without_token or 'itself'} has no token")
            self._posts_without_token = None
