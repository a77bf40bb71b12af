"""English is complete: every word of the pages has its English, and no page in English shows Chinese that is not marked as such."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from flask import Flask
from sqlalchemy import func, select
from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import RequestRedirect

from shop.accounts.models import User
from shop.acts.deliver_order import mark_delivered
from shop.acts.edit_order import EditWanted, edit_order
from shop.acts.expect_transfer import remind_of_transfers
from shop.acts.lapse_unpaid import cancel_order, lapse_unpaid
from shop.acts.match_transfer import match_line
from shop.acts.refund_order import RefundWanted, refund_order
from shop.acts.ship_parcel import ship_parcel
from shop.catalog.models import Sku
from shop.demo import people
from shop.demo.seed import tell
from shop.extensions import reading
from shop.kit.clock import business_day, utc_now
from shop.kit.ids import ShipmentId, UserId
from shop.messages.letters import KINDS, render
from shop.models import catalog, orders, origin, outbox, stock
from shop.orders.models import Order
from shop.outbox.service import ClaimedLetter
from shop.reports.dimensions import DIMENSIONS
from shop.shipping.models import Shipment
from shop.stock.models import Lot, StockItem
from tests.browser import Browser, Page
from tests.database import TestDatabase
from tests.factories import MadeSku
from tests.other_letters import FACTS
from tests.providers import FakeProvider, Verb
from tests.shopping import buy, picks_of, place
from tests.transfers import money_comes, place_by_transfer

ROOT = Path(__file__).resolve().parents[2]
ENGLISH = ROOT / "shop" / "translations" / "en" / "LC_MESSAGES" / "messages.po"

CHINESE = re.compile(r"[\u2e80-\u303f\u3400-\u9fff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef]+")
"""Characters, and the marks as wide as they are."""
GAP = re.compile(r"%\((\w+)\)[sd]")
MEASURE_WORDS = {"unit", "word"}
"""袋, 瓶, 盒: Chinese counts by them, English goes without."""
ROOMY = "，、；：。？·"
"""Marks that bring their own room: where a Chinese text begins or ends with one, the English may with a space."""

# ── The catalogue ─────────────────────────────────────────────────────────────────────────────────────────────────────

Key = tuple[str | None, tuple[str, ...]]


def key_of(message: Message) -> Key:
    """What a text is looked up by: its context, and its one or two Chinese forms."""
    context = message.context.decode() if isinstance(message.context, bytes) else message.context  # read_mo leaves it in bytes
    return context, (message.id,) if isinstance(message.id, str) else tuple(message.id)


def english_of(message: Message) -> Sequence[str]:
    """Its English: one text, or one for each number."""
    return (message.string,) if isinstance(message.string, str) else tuple(message.string)


def pairs() -> Iterator[tuple[str, str]]:
    """Every Chinese text beside its English."""
    for message in written():
        chinese = key_of(message)[1]
        for place_, english in enumerate(english_of(message)):
            yield chinese[min(place_, len(chinese) - 1)], english


def written() -> list[Message]:
    """The catalogue as it is kept."""
    with ENGLISH.open("rb") as file:
        return [message for message in read_po(file, locale="en") if message.id]


@pytest.fixture(scope="module")
def found() -> Catalog:
    """What the pages say, read from code and templates the way `make messages` does."""
    keywords = DEFAULT_KEYWORDS | {"lazy_gettext": None, "lazy_pgettext": ((1, "c"), 2)}
    with (ROOT / "babel.cfg").open(encoding="utf-8") as file:
        methods, options = parse_mapping_cfg(file)
    texts = Catalog()
    for path, _line, text, _comments, context in extract_from_dir(ROOT, methods, options, keywords=keywords):
        texts.add(text, locations=[(path, 0)], context=context)
    return texts


def test_the_catalogue_holds_what_the_pages_say_and_nothing_else(found: Catalog) -> None:
    said = {key_of(message) for message in found if message.id}
    kept = {key_of(message) for message in written()}
    assert said, "nothing was found to translate"
    assert said - kept == set(), "run `make messages` and give these their English"
    assert kept - said == set(), "nobody says these any more: run `make messages`"


def test_nothing_waits_for_its_english() -> None:
    waiting = [key_of(message) for message in written() if message.fuzzy or not all(english_of(message))]
    assert not waiting


def test_every_gap_is_filled_in_english_too() -> None:
    wrong = []
    for message in written():
        chinese, english = set(GAP.findall(" ".join(key_of(message)[1]))), english_of(message)
        for place_, text in enumerate(english):
            spared = MEASURE_WORDS | {"num"} if place_ == 0 and len(english) > 1 else MEASURE_WORDS  # "one parcel" needs no number
            filled = set(GAP.findall(text))
            if filled - chinese or chinese - filled - spared:
                wrong.append(text)
    assert not wrong


def test_english_is_written_with_latin_letters_and_marks() -> None:
    wrong = [english for _chinese, english in pairs() if CHINESE.search(english)]
    assert not wrong


def test_english_begins_and_ends_as_its_chinese_does() -> None:
    wrong = []
    for chinese, english in pairs():
        if chinese[0] not in ROOMY and leading(english) != leading(chinese):
            wrong.append(english)
        if chinese[-1] not in ROOMY and leading(english[::-1]) != leading(chinese[::-1]):
            wrong.append(english)
        if "  " in english or "\n" in english:
            wrong.append(english)
    assert not wrong


def leading(text: str) -> str:
    """The room before the first letter."""
    return text[: len(text) - len(text.lstrip())]


def test_what_is_served_is_what_is_written() -> None:
    compiled = ENGLISH.with_suffix(".mo")
    assert compiled.is_file(), "run `make setup`"
    with compiled.open("rb") as file:
        served = {key_of(message): tuple(english_of(message)) for message in read_mo(file) if message.id}
    assert served == {key_of(message): tuple(english_of(message)) for message in written()}, "run `make setup`"


# ── The pages ─────────────────────────────────────────────────────────────────────────────────────────────────────────

READ_ALOUD = ("alt", "title", "aria-label", "placeholder", "label", "content")
NAMES = re.compile("|".join(person.name for person in people.PEOPLE))
"""People's own names: an attribute cannot mark a part of itself."""
NEVER_CLOSED = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "rect", "source", "track", "wbr", "circle", "path", "use"}
)


class Reader(HTMLParser):
    """Walks a page and notes Chinese in places whose language is not Chinese, and marks-up that is shown as text."""

    def __init__(self) -> None:
        super().__init__()
        self.notes: list[str] = []
        self._open: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        lang = given.get("lang", self._open[-1][1] if self._open else "")
        for name in READ_ALOUD:
            self._look(NAMES.sub("", given.get(name, "")), lang, f"{tag}[{name}]")
        if tag not in NEVER_CLOSED:
            self._open.append((tag, lang))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in NEVER_CLOSED:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        tag, lang = self._open[-1] if self._open else ("", "")
        self._look(data, lang, tag)

    def _look(self, text: str, lang: str, where: str) -> None:
        if not lang.startswith("zh") and CHINESE.search(text):
            self.notes.append(f"{where}: {' '.join(text.split())}")
        if where not in ("style", "script") and "<span" in text:
            self.notes.append(f"{where} shows marks as text: {' '.join(text.split())}")


def unmarked(html: str) -> list[str]:
    """Chinese that a page in English shows without saying that it is Chinese."""
    reader = Reader()
    reader.feed(html)
    reader.close()
    return reader.notes


def test_the_reader_of_pages_sees_what_it_should() -> None:
    assert unmarked('<html lang="en"><p>Rice <b lang="zh-Hans">米<i>村</i></b> here<br>and there</p><img alt="Rice"></html>') == []
    assert unmarked('<html lang="en"><p><b lang="zh-Hans">米</b>村</p><img alt="米"></html>') == ["p: 村", "img[alt]: 米"]
    assert unmarked('<html lang="en"><p>rice，tea</p></html>') == ["p: rice，tea"]
    assert unmarked('<html lang="en"><p>&lt;span lang="zh-Hans"&gt;</p></html>') == ['p shows marks as text: <span lang="zh-Hans">']


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Flask]:
    """The demo county, and online orders of every kind, on SQLite: what pages say does not depend on the database."""
    database = TestDatabase("sqlite", tmp_path_factory.mktemp("english"), worker_id)
    database.renew()
    with database.app.app_context():
        provider = FakeProvider()
        database.app.extensions["payment_providers"] |= {"stripe": provider}
        tell(now=utc_now(), most_acts=40)
        order_some(provider)
        transfer_some(provider)
        yield database.app


def order_some(provider: FakeProvider) -> None:
    """Orders that wait, are paid, on their way, arrived, refunded in part and in full: of goods of two cooperatives, and fresh ones."""
    now = utc_now()
    first, second = different_goods()
    place({first: 1}, now=now, locale="en")
    buy(provider, {first: 2, second: 1}, now=now, locale="en", perishable_confirmed=True)
    sent, arrived, spoilt = (buy(provider, {first: 2, second: 1}, now=now, locale="en", note="放门口") for _ in range(3))
    for number in (sent.number, arrived.number):
        for shipment_id in shipments_of(number):
            ship_parcel(shipment_id, carrier="顺丰速运", tracking_number="SF1234567890123", by=None, now=now)
    for shipment_id in shipments_of(arrived.number):
        mark_delivered(shipment_id, by=None, now=now)
    edited = buy(provider, {first: 2}, now=now, locale="en")
    with reading() as session:
        staff = session.scalars(select(User.id).where(User.email == people.STAFF)).one()
    keep = EditWanted(keep={picks_of(edited.number)[0].line_id: 1})
    edit_order(edited.number, keep, four_eyes_fen=10**9, once="1", by=UserId(staff), now=now)
    picks = picks_of(spoilt.number)
    refund_order(spoilt.number, RefundWanted(units={picks[0].id: 1}, reason="破损或变质（质量问题）"), once="1", by=None, now=now)
    refund_order(spoilt.number, RefundWanted(amounts={picks[0].line_id: 100}, reason="发错、少发"), once="2", by=None, now=now)


def transfer_some(provider: FakeProvider) -> None:
    """Transfers that come short, over and not at all; a refund of one; and a refund that the provider does not carry out."""
    now = utc_now()
    (first, _second), given = different_goods(), {"locale": "en", "name": "Mei"}
    failed = buy(provider, {first: 1}, now=now, locale="en")
    provider.refuse(Verb.REFUND)
    refund_order(failed.number, RefundWanted(amounts={picks_of(failed.number)[0].line_id: 100}, reason="破损"), once="3", by=None, now=now)
    short, over, never = (place_by_transfer({first: 1}, now=now, **given) for _ in range(3))
    today = business_day(now)
    match_line(money_comes(100, payer_name="", on=today), short.number, by=None, now=now)
    match_line(money_comes(over.total_fen + 100, payer_name="", on=today), over.number, by=None, now=now)
    refund_order(over.number, RefundWanted(units={picks_of(over.number)[0].id: 1}, reason="破损"), once="4", by=None, now=now)
    remind_of_transfers(now=now + timedelta(days=2))
    cancel_order(never.number, by=None, now=now)
    lapse_unpaid(now=now + timedelta(days=5))


def different_goods() -> list[MadeSku]:
    """Two SKUs of two cooperatives, of which there are plenty; the second is fresh, so that buyers are asked to confirm it."""
    free = func.sum(StockItem.packed - StockItem.held - StockItem.sold - StockItem.written_off)
    query = (
        select(Sku.id, Sku.code, Sku.price_fen, Sku.packed_grams)
        .join(catalog.Product, catalog.Product.id == Sku.product_id)
        .join(StockItem, StockItem.sku_id == Sku.id)
        .join(Lot, Lot.id == StockItem.lot_id)
        .where(Lot.best_before > utc_now().date())
        .group_by(Sku.id, Sku.code, Sku.price_fen, Sku.packed_grams)
        .order_by(free.desc(), Sku.id)
    )
    house = select(origin.Cooperative.id).where(origin.Cooperative.slug == people.PACKERS_COOPERATIVE).scalar_subquery()
    with reading() as session:
        dry = session.execute(query.where(catalog.Product.cooperative_id == house)).first()
        fresh = session.execute(query.where(catalog.Product.cooperative_id != house, catalog.Product.is_perishable)).first()
    assert dry and fresh
    return [MadeSku(*dry), MadeSku(*fresh)]


def shipments_of(number: str) -> list[ShipmentId]:
    """An order's parcels."""
    with reading() as session:
        query = select(Shipment.id).join(Order, Order.id == Shipment.order_id).where(Order.number == number).order_by(Shipment.id)
        return [ShipmentId(row) for row in session.scalars(query)]


def come_in(app: Flask, who: str) -> Browser:
    """A browser in English, signed in as one of the demo's people; '' is a guest."""
    browser = Browser(app.test_client(), language="en")
    browser.open("/language?to=en&back=/")
    if who:
        browser.open("/account/sign-in")
        browser.press("/account/sign-in", typed={"who": who, "password": people.PASSWORD})
        assert browser.page.status == 200, browser.page.text
    return browser


def public_pages() -> list[str]:
    """Every address for everybody, with every village, cooperative and product, and a lot of each."""
    with reading() as session:
        slugs = {
            "villages": session.scalars(select(origin.Village.slug)).all(),
            "cooperatives": session.scalars(select(origin.Cooperative.slug)).all(),
            "products": session.scalars(select(catalog.Product.slug)).all(),
            "lots": session.scalars(select(func.min(stock.Lot.code)).group_by(stock.Lot.product_id)).all(),
        }
        opened = session.execute(select(orders.Order.number, orders.Order.key)).all()
        sku = session.scalars(select(Sku.code).order_by(Sku.id)).first()
    return [
        "/",
        "/products/",
        "/products/?q=rice&category=liangyou",
        "/products/?q=xyzzy",
        f"/products/?village={slugs['villages'][0]}&village={slugs['villages'][-1]}&sort=price",
        f"/products/?cooperative={slugs['cooperatives'][0]}&page=1",
        "/villages/",
        "/cart/",
        "/orders/find",
        "/about/money",
        "/about/prices",
        "/about/returns",
        "/about/privacy",
        "/account/sign-in",
        "/account/sign-up",
        "/nothing/is/here",
        f"/products/?q={sku}",
        *(f"/{room}/{slug}" for room, all_ in slugs.items() for slug in all_),
        *(f"/orders/{number}?key={key}" for number, key in opened),
        *(f"/orders/{number}?key={key}&paid=1" for number, key in opened[:2]),
    ]


def cooperative_pages() -> list[str]:
    """Every address of a cooperative."""
    with reading() as session:
        house = select(origin.Cooperative.id).where(origin.Cooperative.slug == people.PACKERS_COOPERATIVE).scalar_subquery()
        products = session.execute(select(catalog.Product.id, catalog.Product.slug).where(catalog.Product.cooperative_id == house)).all()
        lots = session.scalars(select(stock.Lot.code).where(stock.Lot.product_id.in_([id_ for id_, _ in products])).limit(2)).all()
        query = select(StockItem.id).join(Lot, Lot.id == StockItem.lot_id).where(Lot.product_id.in_([id_ for id_, _ in products]))
        items = session.scalars(query.limit(3)).all()
    return [
        "/cooperative/",
        "/cooperative/orders/",
        "/cooperative/orders/?state=shipped",
        "/cooperative/orders/?state=delivered",
        "/cooperative/stock",
        "/cooperative/lots/",
        "/cooperative/lots/new",
        *(f"/cooperative/lots/new?product={slug}" for _, slug in products),
        *(f"/cooperative/lots/{code}{more}" for code in lots for more in ("", "/label")),
        *(f"/cooperative/stock/{item_id}/history" for item_id in items),
    ]


def staff_pages() -> list[str]:
    """Every address of staff, each report once by every dimension."""
    with reading() as session:
        online = select(orders.Order.number).where(orders.Order.key.is_not(None)).order_by(orders.Order.id.desc()).limit(7)
        numbers = [*session.scalars(online), *session.scalars(select(orders.Order.number).order_by(orders.Order.id).limit(2))]
    return [
        "/staff/",
        "/staff/orders/",
        "/staff/orders/?state=paid&channel=online",
        "/staff/orders/?q=nobody",
        "/staff/orders/?state=wrong&from=2026-13-40",
        *(f"/staff/orders/{number}" for number in numbers),
        *(f"/staff/reports/sales?by={name}&from=2026-01-01" for name in DIMENSIONS),
        "/staff/reports/sales?by=village&by2=product",
        "/staff/reports/sales?by=village&by2=village&from=1999-01-01",
        "/staff/reports/sales?from=2001-01-01&to=2001-01-02",
        "/staff/reports/sales/lines?by=village&figure=sold",
        "/staff/reports/sales/lines?by=village&figure=refunds&village=-",
    ]


MOST_OF_A_KIND = 3


def linked(browser: Browser, start: str) -> Iterator[Page]:
    """The pages that can be reached from `start` by links without leaving its part of the shop; of one kind the first few."""
    waiting, kinds, seen = [start], Counter[str](), set[str]()
    adapter = browser.client.application.url_map.bind("localhost")
    while waiting:
        path = waiting.pop(0)
        try:
            kind, _ = adapter.match(path.partition("?")[0])
        except (NotFound, MethodNotAllowed, RequestRedirect):
            continue
        kinds[kind] += 1
        if path in seen or kinds[kind] > MOST_OF_A_KIND or kind.endswith(".csv"):
            continue
        seen.add(path)
        page = browser.open(path)
        if "text/html" in page.headers.get("Content-Type", ""):
            yield page
            links = (unescape(link) for link in re.findall(r'<a\b[^>]*?href="([^"#]+)', page.html))
            waiting += [link for link in links if link.startswith(start)]


PAGES = {"": public_pages, "union@demo.test": lambda: ["/account/orders/", "/", "/checkout/"]}
PAGES |= {people.PACKER: cooperative_pages, people.STAFF: staff_pages}


@pytest.mark.parametrize("who", list(PAGES))
def test_no_page_in_english_shows_chinese_that_it_does_not_mark(county: Flask, who: str) -> None:
    browser, wrong = come_in(county, who), []
    for path in PAGES[who]():
        page = browser.open(path)
        assert page.status in (200, 404, 422), f"{path} answered {page.status}"
        assert '<html lang="en">' in page.html, path
        wrong += [f"{path} {note}" for note in unmarked(page.html)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("who", "start", "fewest"),
    [(people.PACKER, "/cooperative/", 15), (people.STAFF, "/staff/", 30), ("finance@demo.test", "/staff/", 30)],
)
def test_nor_does_any_page_that_links_lead_to(county: Flask, who: str, start: str, fewest: int) -> None:
    browser, wrong, pages = come_in(county, who), [], 0
    for page in linked(browser, start):
        assert page.status == 200, f"a link leads to {page.path}, which answers {page.status}"
        pages += 1
        wrong += [f"{page.path} {note}" for note in unmarked(page.html)]
    assert not wrong, "\n".join(wrong)
    assert pages >= fewest


def test_buying_in_english_shows_no_chinese_that_it_does_not_mark(county: Flask) -> None:
    browser, wrong = come_in(county, ""), []
    sku = different_goods()[0]
    with reading() as session:
        slug = session.scalar(select(catalog.Product.slug).join(Sku, Sku.product_id == catalog.Product.id).where(Sku.id == sku.id))
    browser.open(f"/products/{slug}")
    pages = [browser.press("/cart/lines", typed={"sku": sku.code, "quantity": "1"})]
    pages += [browser.send(f"/cart/lines/{sku.code}", {"quantity": typed}) for typed in ("-1", "x", "99999")]
    pages += [browser.send("/cart/lines", {"sku": typed, "quantity": "1"}) for typed in ("", "nothing")]
    pages += [browser.open("/checkout/"), browser.press("/checkout/", typed={"name": "", "phone": "123", "email": "@", "street": ""})]
    pages += [browser.send("/orders/find", {"number": "x", "phone": "1"}), browser.send("/account/sign-in", {"who": "", "password": ""})]
    pages += [browser.send("/account/sign-up", {"who": "x", "password": "short"})]
    for page in pages:
        assert page.status in (200, 404, 422), page.path
        wrong += [f"{page.path} {note}" for note in unmarked(page.html)]
    assert not wrong, "\n".join(wrong)


def test_letters_in_english_show_no_chinese_that_they_do_not_mark(county: Flask) -> None:
    with reading() as session:
        waiting = {row.kind: row for row in session.scalars(select(outbox.Letter).order_by(outbox.Letter.id))}
    letters = [ClaimedLetter(row.id, kind, row.subject, "en", "a@b.test", None, row.facts, 1) for kind, row in waiting.items()]
    letters += [ClaimedLetter(0, kind, f"{kind}:1", "en", "buyer@demo.test", None, facts(), 1) for kind, facts in FACTS.items()]
    assert {letter.kind for letter in letters} == set(KINDS) - {"payment_returned", "lot_recalled"}
    wrong = []
    for letter in letters:
        kind = letter.kind
        with county.test_request_context():
            rendered = render(letter, county.config["SHOP"])
        assert rendered is not None, f"{kind} has nothing to say"
        assert not CHINESE.search(rendered.subject)
        wrong += [f"{kind} {note}" for note in unmarked(rendered.html)]
    assert not wrong, "\n".join(wrong)
