"""`docs/money.md` tells the truth: each of its stories is run through the same acts as in the shop, and books exactly the entries of its tables."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from fractions import Fraction

import pytest
from sqlalchemy import select

from config import ROOT
from shop.acts.clear_suspense import clear_suspense
from shop.acts.confirm_payment import check_order_payments
from shop.acts.correct_sales import approve_correction, carry_out_corrections
from shop.acts.edit_order import EditWanted, edit_order
from shop.acts.follow_account import follow_disputes, follow_movements, follow_payouts
from shop.acts.lapse_unpaid import lapse_unpaid
from shop.acts.refund_order import RefundWanted, refund_order
from shop.acts.sell_offline import OfflineLine, OfflineSale, return_offline, sell_offline
from shop.acts.settle_dispute import settle_dispute
from shop.acts.settle_refund import settle_refund
from shop.acts.start_payment import start_payment
from shop.extensions import reading
from shop.ledger.models import Account, AccountKind, Entry, Posting
from shop.payments.models import BalanceKind, ClearedTo, Refund, RefundState, SuspenseItem
from shop.stock.corrections import propose
from shop.stock.service import Source
from tests.factories import MadeCooperative, MadeProduct, Pack, make_cooperative, make_lot, make_product, make_staff, make_village
from tests.providers import FakeProvider
from tests.settling import at, make_office, settle
from tests.shopping import NOW, assert_books_are_sound, buy, picks_of, place

LATER = NOW + timedelta(minutes=10)
Row = tuple[str, str, int]
"""Account, currency, fen: debit positive."""


class World:
    """Rice at ¥68.00 a bag from a lot of two villages, 700 kg and 300 kg; postage as the shop takes it to Kunshan."""

    def __init__(self, provider: FakeProvider) -> None:
        self.provider = provider
        self.baishui = make_village()
        self.gaoba = make_village("高坝田村", slug="gaobatian")
        self.cooperative: MadeCooperative = make_cooperative(villages=[self.baishui, self.gaoba])
        self.rice: MadeProduct = make_product(packs=[Pack(68_00), Pack(60_00, 4_000)], cooperative=self.cooperative)
        sources = [(self.baishui, 700_000), (self.gaoba, 300_000)]
        self.lot = make_lot(self.rice, units={sku.id: 20 for sku in self.rice.skus}, sources=sources, produced_grams=1_000_000)

    def buy(self, units: int = 1) -> str:
        return buy(self.provider, {self.rice.sku: units}).number

    def intent(self) -> str:
        found = self.provider.sessions[self.provider.last_session_id].intent_id
        assert found is not None
        return found


# ── The stories, by the names that stand in the page's headings ───────────────────────────────────────────────────────


def sale_online(world: World) -> None:
    world.buy(2)


def sale_offline(world: World) -> None:
    sale = OfflineSale("fair-1", NOW, (OfflineLine(world.rice.sku.code, 1, 68_00),))
    sell_offline(sale, by=None, now=NOW)
    units = {world.rice.sku.code: 1}
    return_offline("fair-1-back", "fair-1", units, returned_at=LATER, restock=True, reason="示例", by=None, now=LATER)


def refund_by_units(world: World) -> None:
    number = world.buy(2)
    refund_order(number, RefundWanted(units={picks_of(number)[0].id: 1}), once="r", by=None, now=NOW)


def refund_by_amount(world: World) -> None:
    number = world.buy()
    refund_order(number, RefundWanted(amounts={picks_of(number)[0].line_id: 10_00}, shipping_fen=5_00), once="r", by=None, now=NOW)


def refund_failed(world: World) -> None:
    number = world.buy()
    world.provider.first_refund_state = RefundState.PENDING
    refund_order(number, RefundWanted(amounts={picks_of(number)[0].line_id: 10_00}), once="r", by=None, now=NOW)
    world.provider.fail_refund(world.provider.last_refund_id)
    with reading() as session:
        refund_id = session.scalars(select(Refund.id)).one()
    settle_refund(refund_id, now=LATER)


def paid_too_late(world: World) -> None:
    placed = place({world.rice.sku: 20})
    start_payment(placed.number, now=NOW)
    late = world.provider.last_session_id
    lapse_unpaid(now=NOW + timedelta(hours=2))
    place({world.rice.sku: 20}, now=NOW + timedelta(hours=2))
    world.provider.pay_late(late)
    check_order_payments(placed.number, now=NOW + timedelta(hours=2))


def settlement(world: World) -> None:
    office = make_office(world.cooperative)
    sell_by_hand(world, "fair-1", 2, date(2026, 10, 10))
    settle(world.cooperative, office, date(2026, 10, 31))


def refund_after_settlement(world: World) -> None:
    office = make_office(world.cooperative)
    sell_by_hand(world, "fair-1", 2, date(2026, 10, 10))
    settle(world.cooperative, office, date(2026, 10, 31))
    day = at(date(2026, 11, 5))
    return_offline("back", "fair-1", {world.rice.sku.code: 2}, returned_at=day, restock=True, reason="示例", by=None, now=day)
    sell_by_hand(world, "fair-2", 3, date(2026, 11, 9))
    settle(world.cooperative, office, date(2026, 11, 30))


def sell_by_hand(world: World, ref: str, units: int, day: date) -> None:
    sell_offline(OfflineSale(ref, at(day), (OfflineLine(world.rice.sku.code, units, 68_00),)), by=None, now=at(day))


def lot_corrected(world: World) -> None:
    world.buy()
    one, other = make_staff(), make_staff()
    sources = [Source(world.baishui.id, 500_000), Source(world.gaoba.id, 500_000)]
    correction_id = propose(
        world.lot.id, sources=sources, produced_grams=1_000_000, reason="过磅单抄错了", by=one.id, once="correct", now=NOW
    )
    approve_correction(correction_id, word="看过过磅单", by=other.id, now=NOW)
    carry_out_corrections(now=NOW)


def charge_cleared(world: World) -> None:
    world.buy()
    follow_movements(now=LATER)


def dispute_won(world: World) -> None:
    world.buy()
    dispute = world.provider.open_dispute(world.intent(), 68_00)
    follow_movements(now=LATER)
    follow_disputes(now=LATER)
    world.provider.close_dispute(dispute, won=True)
    settle_dispute("stripe", dispute, now=LATER)
    follow_movements(now=LATER)


def dispute_lost(world: World) -> None:
    world.buy()
    dispute = world.provider.open_dispute(world.intent(), 68_00)
    follow_movements(now=LATER)
    follow_disputes(now=LATER)
    world.provider.close_dispute(dispute, won=False)
    settle_dispute("stripe", dispute, now=LATER)


def order_edited(world: World) -> None:
    number = world.buy(2)
    line = picks_of(number)[0].line_id
    wanted = EditWanted(keep={line: 1}, swap={line: world.rice.skus[1].id})
    edit_order(number, wanted, four_eyes_fen=100_000_00, once="1", by=make_staff().id, now=NOW)


def foreign_currency(world: World) -> None:
    world.provider.settles_in, world.provider.rate = "HKD", Fraction(109, 100)
    world.buy()
    follow_movements(now=LATER)
    world.provider.pay_out("HKD")
    follow_movements(now=LATER + timedelta(minutes=1))
    follow_payouts(now=LATER + timedelta(minutes=1))


def payout(world: World) -> None:
    world.buy()
    follow_movements(now=LATER)
    world.provider.pay_out("CNY")
    follow_movements(now=LATER + timedelta(minutes=1))


def suspense(world: World) -> None:
    world.buy()
    world.provider.move(BalanceKind.UNKNOWN, -500, word="climate_order_purchase")
    follow_movements(now=LATER)
    with reading() as session:
        item_id = session.scalars(select(SuspenseItem.id)).one()
    clear_suspense(item_id, ClearedTo.FEES, "误开，已关", by=make_staff().id, now=LATER + timedelta(minutes=1))


STORIES: dict[str, Callable[[World], None]] = {
    story.__name__: story
    for story in (
        sale_online,
        sale_offline,
        refund_by_units,
        refund_by_amount,
        refund_failed,
        paid_too_late,
        settlement,
        refund_after_settlement,
        lot_corrected,
        charge_cleared,
        dispute_won,
        dispute_lost,
        order_edited,
        foreign_currency,
        payout,
        suspense,
    )
}


@pytest.mark.parametrize("name", STORIES)
def test_a_story_of_the_page_books_what_its_tables_say(provider: FakeProvider, name: str) -> None:
    world = World(provider)
    STORIES[name](world)
    assert told(name) == booked()[-len(told(name)) :]
    assert_books_are_sound()


def test_every_story_of_the_page_that_has_a_name_is_run() -> None:
    assert set(re.findall(r"^### .* \(`(\w+)`\)$", PAGE, re.MULTILINE)) == set(STORIES)


def test_the_chart_names_every_kind_of_account() -> None:
    chart = PAGE.split("## Our chart of accounts")[1].split("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", chart, re.MULTILINE)) == {kind.value for kind in AccountKind}


# ── What the books hold, and what the page says ───────────────────────────────────────────────────────────────────────

PAGE = (ROOT / "docs" / "money.md").read_text(encoding="utf-8") if (ROOT / "docs" / "money.md").exists() else ""


def booked() -> list[tuple[str, list[Row]]]:
    """Every entry, in order: its kind and its postings."""
    with reading() as session:
        rows = session.execute(
            select(Entry.id, Entry.kind, Account.code, Posting.currency, Posting.amount_fen)
            .join(Posting, Posting.entry_id == Entry.id)
            .join(Account, Account.id == Posting.account_id)
            .order_by(Entry.posted_at, Entry.id, Account.code, Posting.currency)
        ).all()
    entries: dict[int, tuple[str, list[Row]]] = {}
    for entry_id, kind, code, currency, fen in rows:
        entries.setdefault(entry_id, (kind.value, []))[1].append((code, currency, int(fen)))
    return [(kind, sorted(rows)) for kind, rows in entries.values()]


def told(name: str) -> list[tuple[str, list[Row]]]:
    """The tables under a story's heading."""
    found = re.search(rf"^### [^\n]* \(`{name}`\)$(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, f"docs/money.md has no story {name}"
    tables: list[tuple[str, list[Row]]] = []
    for line in found[1].splitlines():
        if head := re.fullmatch(r"\| `(\w+)` \| debit \| credit \|", line):
            tables.append((head[1], []))
        elif line.startswith("| `"):
            code, debit, credit = (cell.strip().strip("`") for cell in line.strip("|").split("|"))
            currency, fen = amount(debit or credit)
            tables[-1][1].append((code, currency, fen if debit else -fen))
    return [(kind, sorted(rows)) for kind, rows in tables]


def amount(text: str) -> tuple[str, int]:
    """`68.00` or `HKD 73.50`."""
    *currency, figure = text.split()
    yuan, rest = figure.replace(",", "").split(".")
    return (currency[0] if currency else "CNY"), int(yuan) * 100 + int(rest)
