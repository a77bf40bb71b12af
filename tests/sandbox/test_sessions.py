"""Checkout Sessions through Stripe's own SDK."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest
import stripe

from sandbox.serving import serve
from sandbox.settings import Settings
from tests.sandbox.conftest import Stage, client_for, rice


def test_an_opened_session_carries_what_a_shop_reads(stage: Stage) -> None:
    expires_at = int(time.time()) + 31 * 60
    session = stage.open_session(line_items=[rice(quantity=3), rice(quantity=1, unit_amount=19800, name="金丝皇菊")], expires_at=expires_at)

    assert session.object == "checkout.session"
    assert session.id.startswith("cs_test_")
    assert (session.amount_subtotal, session.amount_total, session.currency) == (40200, 40200, "cny")
    assert (session.status, session.payment_status, session.mode, session.livemode) == ("open", "unpaid", "payment", False)
    assert session.client_reference_id == "SH-261118-0042"
    assert session.metadata is not None
    assert session.metadata["order"] == "SH-261118-0042"
    assert session.expires_at == expires_at
    assert session.payment_intent is None
    assert session.url == f"{stage.running.url}/pay/{session.id}"
    assert session.payment_method_types == ["alipay", "wechat_pay", "card"]
    assert abs(session.created - time.time()) < 5

    again = stage.client.v1.checkout.sessions.retrieve(session.id)
    assert again.to_dict() == session.to_dict()


def test_line_items_are_shown_when_asked_for(stage: Stage) -> None:
    session = stage.open_session()
    assert "line_items" not in session
    opened = stage.client.v1.checkout.sessions.retrieve(session.id, {"expand": ["line_items"]})
    assert [(item.description, item.quantity, item.amount_total) for item in opened.line_items.data] == [("白水贡米 5 kg", 3, 20400)]
    listed = stage.client.v1.checkout.sessions.line_items.list(session.id)
    assert listed.data[0].price.unit_amount == 6800


def test_a_shipping_option_is_added_to_the_total(stage: Stage) -> None:
    option = {"shipping_rate_data": {"display_name": "运费", "type": "fixed_amount", "fixed_amount": {"amount": 1200, "currency": "cny"}}}
    session = stage.open_session(shipping_options=[option])
    assert (session.amount_subtotal, session.amount_total) == (20400, 21600)
    assert session.total_details.amount_shipping == 1200


def test_the_allow_list_narrows_the_ways_to_pay(stage: Stage) -> None:
    session = stage.open_session(allowed_payment_method_types=["card", "alipay", "paypal"])
    assert session.payment_method_types == ["alipay", "card"]
    assert session.allowed_payment_method_types == ["card", "alipay", "paypal"]
    assert stage.open_session(excluded_payment_method_types=["card"]).payment_method_types == ["alipay", "wechat_pay"]
    with pytest.raises(stripe.InvalidRequestError, match="No payment method types"):
        stage.open_session(allowed_payment_method_types=["paypal"])


def _changed(**price_data: Any) -> list[dict[str, Any]]:
    item = rice()
    item["price_data"] = {name: value for name, value in (item["price_data"] | price_data).items() if value is not None}
    return [item]


@pytest.mark.parametrize(
    ("changes", "param", "code"),
    [
        ({"payment_method_types": ["card"]}, "payment_method_types", "parameter_unknown"),
        ({"colour": "green"}, "colour", "parameter_unknown"),
        ({"line_items": [rice() | {"colour": "green"}]}, "line_items[0][colour]", "parameter_unknown"),
        ({"mode": None}, "mode", "parameter_missing"),
        ({"mode": "subscription"}, "mode", None),
        ({"success_url": None}, "success_url", "parameter_missing"),
        ({"success_url": "checkout/return"}, "success_url", "url_invalid"),
        ({"success_url": "javascript:alert(1)"}, "success_url", "url_invalid"),
        ({"line_items": None}, "line_items", "parameter_missing"),
        ({"line_items": [rice(quantity=0)]}, "line_items[0][quantity]", "parameter_invalid_integer"),
        ({"line_items": [rice(quantity=-1)]}, "line_items[0][quantity]", "parameter_invalid_integer"),
        ({"line_items": [rice(unit_amount=-1)]}, "line_items[0][price_data][unit_amount]", "parameter_invalid_integer"),
        ({"line_items": _changed(unit_amount="12.5")}, "line_items[0][price_data][unit_amount]", "parameter_invalid_integer"),
        ({"line_items": _changed(unit_amount="１２")}, "line_items[0][price_data][unit_amount]", "parameter_invalid_integer"),
        ({"line_items": _changed(unit_amount=None)}, "line_items[0][price_data][unit_amount]", "parameter_missing"),
        ({"line_items": _changed(product_data={"name": ""})}, "line_items[0][price_data][product_data][name]", "parameter_invalid_empty"),
        ({"line_items": _changed(currency="xyz")}, "line_items[0][price_data][currency]", None),
        ({"line_items": [rice(), *_changed(currency="hkd")]}, "line_items", None),
        ({"line_items": [rice(unit_amount=0)]}, "line_items", "amount_too_small"),
        ({"line_items": [rice(quantity=999_999)]}, "line_items", "amount_too_large"),
        ({"line_items": [rice()] * 101}, "line_items", None),
        ({"discounts": [{"coupon": "SPRING"}]}, "discounts", None),
        ({"allowed_payment_method_types": ["ali_pay"]}, "allowed_payment_method_types[0]", None),
        ({"metadata": {"a": "b" * 501}}, "metadata[a]", None),
        ({"customer_email": "nobody"}, "customer_email", "email_invalid"),
        ({"expand": ["colour"]}, "expand", None),
        ({"line_items": [rice(unit_amount=399)]}, "line_items", "amount_too_small"),
        ({"expires_at": int(time.time()) + 29 * 60}, "expires_at", None),
        ({"expires_at": int(time.time()) + 25 * 3600}, "expires_at", None),
        ({"customer": "cus_0"}, "customer", "resource_missing"),
    ],
)
def test_a_wrong_parameter_is_refused_by_its_name(stage: Stage, changes: dict[str, Any], param: str, code: str | None) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        stage.open_session(**changes)
    assert refusal.value.http_status == 400
    assert (refusal.value.param, refusal.value.code) == (param, code)
    assert stage.client.v1.checkout.sessions.list().data == []


@pytest.mark.parametrize(("minutes", "is_allowed"), [(29, False), (31, True), (24 * 60 - 1, True), (24 * 60 + 1, False)])
def test_a_session_lasts_from_thirty_minutes_to_a_day(stage: Stage, minutes: int, is_allowed: bool) -> None:
    expires_at = int(time.time()) + minutes * 60
    if is_allowed:
        assert stage.open_session(expires_at=expires_at).expires_at == expires_at
    else:
        with pytest.raises(stripe.InvalidRequestError, match="expires_at") as refusal:
            stage.open_session(expires_at=expires_at)
        assert refusal.value.param == "expires_at"


def test_the_shop_expires_an_open_session_once(stage: Stage) -> None:
    session = stage.open_session()
    expired = stage.client.v1.checkout.sessions.expire(session.id)
    assert (expired.status, expired.payment_status, expired.url) == ("expired", "unpaid", None)
    with pytest.raises(stripe.InvalidRequestError, match='status of "expired"'):
        stage.client.v1.checkout.sessions.expire(session.id)
    assert [event.type for event in stage.client.v1.events.list().data] == ["checkout.session.expired"]


def test_a_paid_session_cannot_be_expired(stage: Stage) -> None:
    session = stage.paid_session()
    with pytest.raises(stripe.InvalidRequestError, match='status of "complete"'):
        stage.client.v1.checkout.sessions.expire(session.id)


def test_past_its_time_a_session_is_expired_whoever_looks(stage: Stage) -> None:
    session = stage.open_session(expires_at=int(time.time()) + 31 * 60)
    stage.shift_clock(32 * 60)
    assert stage.client.v1.checkout.sessions.retrieve(session.id).status == "expired"
    assert [event.type for event in stage.client.v1.events.list().data] == ["checkout.session.expired"]
    assert stage.client.v1.checkout.sessions.list({"status": "open"}).data == []


def test_expiry_cancels_a_payment_that_was_begun(stage: Stage) -> None:
    session = stage.open_session()
    stage.pay(session, "declined")
    expired = stage.client.v1.checkout.sessions.expire(session.id, {"expand": ["payment_intent"]})
    assert (expired.payment_intent.status, expired.payment_intent.cancellation_reason) == ("canceled", "expired")


def test_lists_are_paged_newest_first_in_both_directions(stage: Stage) -> None:
    made = [stage.open_session(client_reference_id=str(number)).id for number in range(5)]
    newest_first = made[::-1]
    first = stage.client.v1.checkout.sessions.list({"limit": 2})
    assert ([session.id for session in first.data], first.has_more) == (newest_first[:2], True)
    second = stage.client.v1.checkout.sessions.list({"limit": 2, "starting_after": first.data[-1].id})
    assert [session.id for session in second.data] == newest_first[2:4]
    back = stage.client.v1.checkout.sessions.list({"limit": 2, "ending_before": newest_first[4]})
    assert ([session.id for session in back.data], back.has_more) == (newest_first[2:4], True)
    assert [session.id for session in first.auto_paging_iter()] == newest_first
    assert stage.client.v1.checkout.sessions.list({"created": {"gt": int(time.time()) + 60}}).data == []
    with pytest.raises(stripe.InvalidRequestError):
        stage.client.v1.checkout.sessions.list({"limit": 101})


def test_sessions_are_found_by_their_payment_intent(stage: Stage) -> None:
    stage.paid_session()
    session = stage.paid_session()
    assert isinstance(session.payment_intent, str)
    found = stage.client.v1.checkout.sessions.list({"payment_intent": session.payment_intent})
    assert [one.id for one in found.data] == [session.id]


def test_lists_open_what_they_name(stage: Stage) -> None:
    stage.paid_session()
    opened = stage.client.v1.checkout.sessions.list({"expand": ["data.payment_intent.latest_charge"]}).data[0]
    assert opened.payment_intent.latest_charge.amount == 20400
    with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
        stage.client.v1.checkout.sessions.list({"expand": ["payment_intent"]})


def test_an_unknown_session_is_not_there(stage: Stage) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        stage.client.v1.checkout.sessions.retrieve("cs_test_nothing")
    assert (refusal.value.http_status, refusal.value.code) == (404, "resource_missing")


def test_only_our_key_is_let_in(stage: Stage) -> None:
    with pytest.raises(stripe.AuthenticationError, match="Invalid API Key"):
        client_for(stage.running, key="sk_test_stranger_0000000000").v1.checkout.sessions.list()
    status, body = stage.ask("GET", "/v1/checkout/sessions")
    assert (status, body["error"]["type"]) == (401, "invalid_request_error")


def test_another_api_version_is_refused(stage: Stage) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="version"):
        stage.client.v1.checkout.sessions.list(options={"stripe_version": "2024-06-20"})


def test_what_the_sandbox_does_not_play_is_said(stage: Stage) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="Unrecognized request URL") as refusal:
        stage.client.v1.products.create({"name": "Mei"})
    assert refusal.value.http_status == 404


def test_sessions_outlive_a_restart(settings: Settings, tmp_path: Any) -> None:
    kept = replace(settings, database=str(tmp_path / "deep" / "sandbox.sqlite"))
    with serve(kept) as running:
        session = client_for(running).v1.checkout.sessions.create(
            {"mode": "payment", "line_items": [rice()], "success_url": "http://127.0.0.1/"}
        )
    with serve(kept) as running:
        assert client_for(running).v1.checkout.sessions.retrieve(session.id).amount_total == 6800
