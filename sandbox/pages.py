"""What a buyer sees: the pay page in every state. Plain forms, no script. What is behind the stage stands in `desk`."""

from __future__ import annotations

import re
from typing import TypeVar

from flask import Blueprint, Response, current_app, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from sandbox import payments, sessions
from sandbox.errors import StripeError
from sandbox.figures import SIGNS, clock_time, figure, money
from sandbox.house import Act, House
from sandbox.payments import Outcome
from sandbox.returning import address_after_giving_up, address_after_payment, content_policy
from sandbox.store import StripeObject
from sandbox.texts import language_of, translator

pages = Blueprint("pages", __name__)

METHOD_NAMES = {"alipay": "支付宝", "wechat_pay": "微信支付", "card": "银行卡"}
OUTCOME_NAMES = {
    Outcome.PAID: "付成了",
    Outcome.PAID_LATE_NOTICE: "付成了，但通知晚到",
    Outcome.PAID_NOTICE_TWICE: "付成了，通知来两遍",
    Outcome.DECLINED: "没付成：余额不足",
    Outcome.WALK_AWAY: "付到一半走开",
    Outcome.PAID_AFTER_EXPIRY: "过期后才付成",
    Outcome.PROCESSING: "办完了，银行还要几天",
}
R = TypeVar("R", bound=AnyResponse)
_HAN = re.compile(r"[\u4e00-\u9fff]")


@pages.get("/pay/<identifier>")
def show(identifier: str) -> Response:
    """The pay page of a session."""
    with _house().act() as act:
        session = _find(act, identifier)
    return _pay_page(session, message="", method=None, outcome=Outcome.PAID)


@pages.post("/pay/<identifier>")
def pay(identifier: str) -> AnyResponse:
    """Play what the buyer chose; paid goes back to the shop, everything else stays here and says what happened."""
    method = request.form.get("method")
    outcome = _outcome(request.form.get("outcome", ""))
    with _house().act() as act:
        session = _find(act, identifier)
        if session is not None and session["status"] != "complete":
            offered: list[str] = session["payment_method_types"]
            if method is None and session["status"] == "expired":
                method = offered[0]  # the late bank's button asks for no method
            if method not in offered or outcome is None:
                return _pay_page(session, message="choose", method=method, outcome=outcome or Outcome.PAID, status=400)
            if session["status"] == "open" or outcome is Outcome.PAID_AFTER_EXPIRY:
                session = payments.play(act, session, method, outcome)
    if session is not None and session["status"] == "complete":
        return _sent_on(redirect(address_after_payment(session), 303), session)
    message = {Outcome.DECLINED: "declined", Outcome.WALK_AWAY: "away"}.get(outcome, "") if outcome else ""
    return _pay_page(session, message=message, method=method, outcome=Outcome.PAID)


@pages.get("/healthz")
def healthz() -> Response:
    """200 while the store answers."""
    with _house().act():
        return make_response({"status": "ok"})


def _outcome(name: str) -> Outcome | None:
    try:
        return Outcome(name)
    except ValueError:
        return None


def _house() -> House:
    house: House = current_app.extensions["sandbox"]
    return house


def _find(act: Act, identifier: str) -> StripeObject | None:
    try:
        return sessions.retrieve(act, identifier)
    except StripeError:
        return None


def _pay_page(session: StripeObject | None, *, message: str, method: str | None, outcome: Outcome, status: int = 200) -> Response:
    language = language_of(request, session["locale"] if session else None)
    _ = translator(language)
    if session is None:
        body = render_template("unknown.html", _=_, language=language)
        return _sent_on(make_response(body, 404), None)
    template = {"open": "pay.html", "expired": "expired.html", "complete": "paid.html"}[session["status"]]
    body = render_template(
        template,
        _=_,
        language=language,
        name=_merchant(session) or _("山海集"),
        sum=money(session["amount_total"], session["currency"]),
        sign=SIGNS[session["currency"]],
        total=figure(session["amount_total"]),
        lines=_lines(session),
        number=session["client_reference_id"],
        until=clock_time(session["expires_at"]),
        is_open=session["status"] == "open",
        is_paid=session["payment_status"] == "paid",
        is_over=session["expires_at"] <= _house().clock.now(),
        methods=[(key, METHOD_NAMES[key]) for key in session["payment_method_types"]],
        outcomes=[(key.value, name) for key, name in OUTCOME_NAMES.items()],
        chosen_method=method if method in session["payment_method_types"] else session["payment_method_types"][0],
        chosen_outcome=outcome.value,
        message=message,
        back=address_after_giving_up(session),
        onward=address_after_payment(session),
    )
    return _sent_on(make_response(body, status), session)


def _sent_on(response: R, session: StripeObject | None) -> R:
    response.headers["Content-Security-Policy"] = content_policy(session)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store"
    response.headers["Vary"] = "Accept-Language"
    return response


def _merchant(session: StripeObject) -> str | None:
    settings = session["branding_settings"]
    name = settings.get("display_name") if isinstance(settings, dict) else None
    return name if isinstance(name, str) and name else None


def _lines(session: StripeObject) -> list[tuple[str, str, bool]]:
    """What is paid for: words, figure, and whether the words are Chinese (an English page marks them so)."""
    lines = [(f"{item['description']} × {item['quantity']}", item["amount_total"]) for item in session["_line_items"]]
    if session["shipping_cost"]:
        lines.append((session["_shipping_name"], session["shipping_cost"]["amount_total"]))
    return [(words, figure(amount), bool(_HAN.search(words))) for words, amount in lines]
