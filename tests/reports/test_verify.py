"""`flask ledger verify` finds what it is there to find: each breach, made by force past the triggers, turns exactly its check red."""

import json

import pytest
from flask import Flask
from sqlalchemy import text

from shop.acts.follow_account import follow_disputes, follow_movements, follow_payouts
from shop.acts.refund_order import RefundWanted, refund_order
from shop.extensions import act, db, dialect, reading
from shop.ledger import triggers
from shop.payments.models import BalanceKind
from shop.reports.verify import verify
from tests.factories import make_lot, make_product, make_villages
from tests.providers import FakeProvider
from tests.shopping import NOW, buy, picks_of, place


@pytest.fixture
def a_shop(provider: FakeProvider) -> FakeProvider:
    one, other = make_villages("白水村", "高坝田村")
    rice = make_product(village=one)
    make_lot(rice, units=20, sources=[(one, 70_000), (other, 30_000)])
    place({rice.sku: 1})
    buy(provider, {rice.sku: 3})
    refunded = buy(provider, {rice.sku: 2})
    (pick,) = picks_of(refunded.number)
    refund_order(refunded.number, RefundWanted(units={pick.id: 1}), once="r", by=None, now=NOW)
    return provider


@act
def by_force(*statements: str) -> None:
    """What a thief with the database's password does."""
    standing = triggers.SQLITE if dialect() == "sqlite" else triggers.POSTGRESQL_TRIGGERS
    for name, definition in standing.items():
        table = definition.split(" ON ")[1].split(" ")[0]
        db.session.execute(text(f"drop trigger {name}" + (f" on {table}" if dialect() == "postgresql" else "")))
    for statement in statements:
        db.session.execute(text(statement))


def wrong() -> set[str]:
    with reading():
        return {check.name for check in verify() if not check.ok}


def test_a_sound_shop_has_nothing_wrong(a_shop: FakeProvider) -> None:
    assert wrong() == set()


@pytest.mark.parametrize(
    ("statement", "check"),
    [
        (
            "update postings set amount_fen = amount_fen + 1 where seq = 1 and entry_id = (select min(entry_id) from postings)",
            "entries_balance",
        ),
        (
            "update attributions set amount_fen = amount_fen - 1 where id = (select min(id) from attributions)",
            "attributions_equal_net_less_refunds",
        ),
        (
            "update attributions set amount_fen = amount_fen - 1 where id = (select min(id) from attributions)",
            "attributions_equal_proceeds",
        ),
        (
            "update attributions set amount_fen = amount_fen + case when id % 2 = 0 then 1 else -1 end where not is_refund",
            "shares_can_be_computed_again",
        ),
        ("update attributions set amount_fen = amount_fen - 100000 where is_refund", "shares_stay_within_what_was_sold"),
        ("update lots set gross_fen = gross_fen + 1", "shares_can_be_computed_again"),
        ("update stock_items set sold = sold + 1", "stock_is_explained"),
        ("update stock_items set held = held - 1, sold = sold + 1", "stock_is_explained"),
        ("delete from movements where id = (select max(id) from movements)", "stock_is_explained"),
        ("update lots set packed_grams = packed_grams - 1", "stock_is_explained"),
        ("update picks set units = units + 1 where id = (select min(id) from picks)", "stock_is_explained"),
        ("update payments set received_fen = received_fen + 1 where state = 'paid'", "payments_are_booked_once"),
        ("update refunds set amount_fen = amount_fen + 1", "payments_are_booked_once"),
        ("update orders set state = 'lapsed' where state = 'paid'", "paid_orders_are_sold_and_only_they"),
    ],
)
def test_each_breach_is_found(a_shop: FakeProvider, statement: str, check: str) -> None:
    by_force(statement)
    assert check in wrong()


@pytest.mark.parametrize(
    ("statement", "check"),
    [
        (
            "update balance_transactions set entry_id = (select max(id) from entries where kind = 'sale') where kind = 'charge'",
            "movements_are_booked_once",
        ),
        ("update balance_transactions set net_fen = net_fen - 1, fee_fen = fee_fen + 1 where kind = 'charge'", "movements_are_booked_once"),
        ("update balance_transactions set net_fen = net_fen - 1, fee_fen = fee_fen + 1 where kind = 'charge'", "balance_is_the_providers"),
        (
            "update postings set currency = 'HKD' where account_id in (select id from accounts where kind = 'hold')",
            "balance_is_the_providers",
        ),
        ("update disputes set held_fen = held_fen - 1", "holds_are_open_disputes"),
        ("update disputes set state = 'lost'", "holds_are_open_disputes"),
        ("update payouts set amount_fen = amount_fen + 1", "payouts_equal_their_transactions"),
        ("update payouts set counted_fen = counted_fen + 1", "payouts_equal_their_transactions"),
        ("update balance_transactions set payout_id = null where kind = 'charge'", "payouts_equal_their_transactions"),
        ("delete from suspense_items", "suspense_is_listed"),
    ],
)
def test_each_breach_of_the_providers_account_is_found(provider: FakeProvider, statement: str, check: str) -> None:
    rice = make_product()
    make_lot(rice, units=20)
    order = buy(provider, {rice.sku: 3})
    provider.move(BalanceKind.UNKNOWN, -5)
    provider.pay_out()
    intent = provider.sessions[provider.last_session_id].intent_id
    assert intent is not None
    provider.open_dispute(intent, order.total_fen)
    follow_movements(now=NOW)
    follow_payouts(now=NOW)
    follow_disputes(now=NOW)
    assert wrong() == set()
    by_force(statement)
    assert check in wrong()


def test_missing_triggers_are_found(a_shop: FakeProvider) -> None:
    by_force()
    assert wrong() == {"triggers_stand"}


def test_the_command_says_so_and_exits_1(a_shop: FakeProvider, app: Flask) -> None:
    run = app.test_cli_runner().invoke
    sound = run(args=["ledger", "verify", "--format", "json"])
    assert (sound.exit_code, json.loads(sound.output)["ok"]) == (0, True)
    by_force("update stock_items set sold = sold + 1")
    broken = run(args=["ledger", "verify", "--format", "json"])
    said = json.loads(broken.output)
    assert (broken.exit_code, said["ok"]) == (1, False)
    assert {"name", "ok", "detail"} == set(said["checks"][0])
    assert run(args=["ledger", "verify"]).exit_code == 1
