"""What people see: the pay page in every state, and the developer's page behind the stage. Plain forms, no script."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, current_app, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from sandbox import payments, sessions
from sandbox.errors import StripeError
from sandbox.house import Act, House
from sandbox.payments import Outcome
from sandbox.returning import address_after_giving_up, address_after_payment, content_policy
from sandbox.store import Page, StripeObject
from sandbox.texts import language_of, state_namer, translator

pages = Blueprint("pages", __name__)

METHOD_NAMES = {"alipay": "支付宝", "wechat_pay": "微信支付", "card": "银行卡"}
OUTCOME_NAMES = {
    Outcome.PAID: "付成了",
    Outcome.PAID_LATE_NOTICE: "付成了，但通知晚到",
    Outcome.PAID_NOTICE_TWICE: "付成了，通知来两遍",
    Outcome.DECLINED: "没付成：余额不足",
    Outcome.WALK_AWAY: "付到一半走开",
    Outcome.PAID_AFTER_EXPIRY: "过期后才付成",
}
SHOWN_ON_DESK = 20
R = TypeVar("R", bound=AnyResponse)
_HAN = re.compile(r"[\u4e00-\u9fff]")
_SHANGHAI = ZoneInfo("Asia/Shanghai")
_SIGNS = {"cny": "¥", "hkd": "HK$", "usd": "$", "eur": "€", "gbp": "£", "sgd": "S$", "aud": "A$", "cad": "CA$"}


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
    if session is not None and session["payment_status"] == "paid":
        return _sent_on(redirect(address_after_payment(session), 303), session)
    message = {Outcome.DECLINED: "declined", Outcome.WALK_AWAY: "away"}.get(outcome, "") if outcome else ""
    return _pay_page(session, message=message, method=method, outcome=Outcome.PAID)


@pages.get("/")
def desk() -> Response:
    """The latest of everything, for a developer."""
    language = language_of(request)
    with _house().act() as act:
        sessions.expire_due(act)
        latest = {kind: act.books.page(kind, Page(SHOWN_ON_DESK))[0] for kind in ("checkout.session", "payment_intent", "refund", "event")}
        refunded = {intent["id"]: _refunded(act, intent) for intent in latest["payment_intent"]}
        notices = {event["id"]: _notices(act, event) for event in latest["event"]}
    body = render_template(
        "desk.html",
        _=translator(language),
        language=language,
        state=state_namer(language),
        money=_money,
        moment=_moment,
        webhook_url=_house().settings.webhook_url,
        sessions=latest["checkout.session"],
        intents=latest["payment_intent"],
        refunds=latest["refund"],
        events=latest["event"],
        refunded=refunded,
        notices=notices,
    )
    return _sent_on(make_response(body), None)


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
        sum=_money(session["amount_total"], session["currency"]),
        sign=_SIGNS[session["currency"]],
        total=_figure(session["amount_total"]),
        lines=_lines(session),
        number=session["client_reference_id"],
        until=_clock_time(session["expires_at"]),
        is_open=session["status"] == "open",
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
    return [(words, _figure(amount), bool(_HAN.search(words))) for words, amount in lines]


def _money(amount: int, currency: str) -> str:
    return f"{'−' if amount < 0 else ''}{_SIGNS[currency]}{_figure(abs(amount))}"


def _figure(amount: int) -> str:
    return f"{amount // 100:,}.{amount % 100:02}"


def _clock_time(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).astimezone(_SHANGHAI).strftime("%H:%M")


def _moment(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).astimezone(_SHANGHAI).strftime("%m-%d %H:%M:%S")


def _refunded(act: Act, intent: StripeObject) -> int:
    charge = act.books.find("charge", intent["latest_charge"] or "")
    return charge["amount_refunded"] if charge else 0


def _notices(act: Act, event: StripeObject) -> list[dict[str, Any]]:  # Any: a row of state, attempts and the last problem
    rows = act.books.run(
        "select state, attempts,"
        " (select problem from attempt where delivery_id = delivery.id order by id desc limit 1) as problem"
        " from delivery where event_id = ? order by id",
        (event["id"],),
    )
    return [dict(row) for row in rows]
