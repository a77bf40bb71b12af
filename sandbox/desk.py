"""Behind the stage: what has happened, and buttons for everything that buyer, bank, cardholder, Stripe and the network can do. No script.

Law: a button does what one request of `/_sandbox` does, by the same functions; what Stripe would refuse is refused here in the same words.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, abort, current_app, make_response, redirect, render_template, request
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as AnyResponse

from sandbox import balance, disputes, events, payments, payouts, refunds, sessions
from sandbox.courier import Courier
from sandbox.errors import StripeError
from sandbox.faults import REQUEST_FAULTS, SENDING_FAULTS, SIGNING_FAULTS, BadFault
from sandbox.figures import SIGNS, figure, full_moment, moment_text, money, smallest_unit
from sandbox.guard import is_from_here, is_from_our_page
from sandbox.house import Act, House
from sandbox.options import BadOption
from sandbox.pages import METHOD_NAMES, OUTCOME_NAMES
from sandbox.payments import Outcome
from sandbox.returning import content_policy
from sandbox.store import Page, StripeObject
from sandbox.texts import language_of, state_namer, translator

desk = Blueprint("desk", __name__)

SHOWN = 20
ADVANCES = {
    31 * 60: "31 分钟（付款页过期）",
    3600: "1 小时",
    86400: "1 天（幂等键过期）",
    8 * 86400: "8 天（款项可打出）",
    31 * 86400: "31 天（事件查不到了）",
    91 * 86400: "91 天（支付宝不能再退）",
    181 * 86400: "181 天（微信不能再退）",
}
REQUESTS = {
    "POST /v1/checkout/sessions": "开付款页",
    "GET /v1/checkout/sessions/*": "查付款",
    "POST /v1/checkout/sessions/*/expire": "关付款页",
    "POST /v1/refunds": "退款",
    "GET /v1/refunds*": "查退款",
    "GET /v1/balance_transactions*": "查流水",
    "GET /v1/events*": "查事件",
    "* /v1/*": "任何请求",
}
NOTICES = (
    "checkout.session.completed",
    "checkout.session.expired",
    "payment_intent.succeeded",
    "charge.refunded",
    "refund.*",
    "charge.dispute.*",
    "payout.*",
    "*",
)
FAULT_NAMES = {
    "refuse": "连不上（什么也没做）",
    "reset": "做完就断线",
    "error_500_before": "报错 500（什么也没做）",
    "error_500_after": "做完报错 500",
    "error_500_kept": "做完报错 500，同一个键总是这样",
    "timeout": "做完不吭声",
    "delay": "拖延",
    "rate_limit": "嫌太频繁 429",
    "drop": "丢掉",
    "duplicate": "发多遍",
    "reorder": "让后一个先到",
    "bad_signature": "签名不对",
    "stale_timestamp": "时间戳过旧",
}
_REQUEST_FAULTS = [do for do in FAULT_NAMES if do in REQUEST_FAULTS]
_EVENT_FAULTS = [do for do in FAULT_NAMES if do in SENDING_FAULTS | SIGNING_FAULTS]

Form = MultiDict[str, str]


@desk.get("/")
def show() -> AnyResponse:
    """The latest of everything."""
    return _page(done=request.args.get("done", ""), problem="")


@desk.post("/desk/<verb>")
def play(verb: str) -> AnyResponse:
    """Do what a button says, and show the part of the page that it changed; what is refused is said in Stripe's words."""
    if not is_from_here(request) or not is_from_our_page(request):
        abort(403)
    if verb not in _ACTS and verb not in _STRINGS:
        abort(404)
    try:
        if verb in _ACTS:
            with _house().act() as act:
                _ACTS[verb](act, request.form)
        else:
            _STRINGS[verb](_house(), request.form)
    except StripeError as refusal:
        return _page(done="", problem=refusal.message, status=400)
    except (BadFault, BadOption) as refusal:
        return _page(done="", problem=str(refusal), status=400)
    return redirect(f"/?done={verb}#{_SECTIONS[verb]}", 303)


# ── What the buttons do ───────────────────────────────────────────────────────────────────────────────────────────────


def _pay(act: Act, form: Form) -> None:
    session = sessions.retrieve(act, form.get("session", ""))
    method = form.get("method") or session["payment_method_types"][0]
    try:
        outcome = Outcome(form.get("outcome", Outcome.PAID))
    except ValueError:
        raise StripeError(f"outcome must be one of {', '.join(Outcome)}", param="outcome") from None
    payments.play(act, session, method, outcome)


def _refund(act: Act, form: Form) -> None:
    charge = payments.retrieve_charge(act, form.get("charge", ""))
    refunds.create(act, {"charge": charge["id"]} | ({} if (amount := _sum(form)) is None else {"amount": amount}))


def _dispute(act: Act, form: Form) -> None:
    charge = payments.retrieve_charge(act, form.get("charge", ""))
    reason = form.get("reason", disputes.REASONS[0])
    disputes.open_one(act, charge, amount=_sum(form), reason=reason, inquiry="inquiry" in form)


def _pay_out(act: Act, form: Form) -> None:
    payouts.make(act, currency=form.get("currency", "cny"), even_pending="even_pending" in form, paid="paid" in form)


def _enter(act: Act, form: Form) -> None:
    balance.enter_by_hand(act, {"type": form.get("type", ""), "amount": _sum(form), "currency": form.get("currency", "cny")})


def _advance(house: House, form: Form) -> None:
    seconds = form.get("seconds", "")
    if seconds == "back":
        house.set_clock(0)
    elif seconds.isascii() and seconds.isdigit() and int(seconds) in ADVANCES:
        house.set_clock(house.clock.offset_seconds + int(seconds))
    else:
        raise BadOption("say how far the clock is to move")
    _courier().tidy()


def _behave(house: House, form: Form) -> None:
    wanted = {name: form[name] for name in ("refunds", "settlement_currency", "rate") if name in form}
    house.set_options(house.options.changed(wanted))


def _break(house: House, form: Form) -> None:
    number, times = form.get("number", "").strip(), form.get("times", "1").strip()
    if not (times.isascii() and times.isdigit()):
        raise BadFault("`times` must be a whole number of at least 1")
    do = form.get("do", "")
    if do == "delay" and not number:
        number = "30"
    house.faults.add({"faults": [{"on": form.get("on", ""), "do": f"{do}:{number}" if number else do, "times": int(times)}]})


def _sum(form: Form) -> int | None:
    text = form.get("amount", "")
    if not text.strip():
        return None
    amount = smallest_unit(text)
    if amount is None:
        raise StripeError(f"Not a sum of money: {text[:20]}", param="amount")
    return amount


_ACTS: dict[str, Callable[[Act, Form], object]] = {
    "pay": _pay,
    "expire": lambda act, form: sessions.expire(act, form.get("session", "")),
    "refund": _refund,
    "settle_refund": lambda act, form: refunds.settle(act, form.get("refund", "")),
    "fail_refund": lambda act, form: refunds.fail(act, form.get("refund", ""), form.get("reason", refunds.FAILURES[0])),
    "dispute": _dispute,
    "escalate": lambda act, form: disputes.escalate(act, form.get("dispute", "")),
    "win": lambda act, form: disputes.close(act, form.get("dispute", ""), won=True),
    "lose": lambda act, form: disputes.close(act, form.get("dispute", ""), won=False),
    "pay_out": _pay_out,
    "arrive": lambda act, form: payouts.arrive(act, form.get("payout", "")),
    "fail_payout": lambda act, form: payouts.fail(act, form.get("payout", "")),
    "enter": _enter,
    "resend": lambda act, form: events.resend(act, form.get("event", "")),
    "resend_twice": lambda act, form: events.resend(act, form.get("event", ""), 2),
    "drop": lambda act, form: events.drop(act, form.get("event", "")),
}
_STRINGS: dict[str, Callable[[House, Form], object]] = {
    "deliver": lambda _house, _form: _courier().deliver(even_early=True),
    "advance": _advance,
    "behave": _behave,
    "break": _break,
    "mend": lambda house, _form: house.faults.clear(),
}
_SECTIONS = {
    **dict.fromkeys(("pay", "expire"), "sessions"),
    **dict.fromkeys(("refund", "settle_refund", "fail_refund"), "refunds"),
    **dict.fromkeys(("dispute", "escalate", "win", "lose"), "disputes"),
    **dict.fromkeys(("pay_out", "arrive", "fail_payout"), "payouts"),
    "enter": "balance",
    **dict.fromkeys(("resend", "resend_twice", "drop", "deliver"), "events"),
    **dict.fromkeys(("break", "mend"), "faults"),
    **dict.fromkeys(("advance", "behave"), "world"),
}


# ── What the page shows ───────────────────────────────────────────────────────────────────────────────────────────────


def _page(*, done: str, problem: str, status: int = 200) -> AnyResponse:
    language, house = language_of(request), _house()
    with house.act() as act:
        sessions.expire_due(act)
        kinds = ("checkout.session", "charge", "refund", "dispute", "payout", "balance_transaction", "event")
        latest = {kind: act.books.page(kind, Page(SHOWN))[0] for kind in kinds}
        view = {
            "sessions": [session | {"is_processing": _is_processing(act, session)} for session in latest["checkout.session"]],
            "charges": latest["charge"],
            "refunds": latest["refund"],
            "disputes": latest["dispute"],
            "payouts": latest["payout"],
            "transactions": [balance.as_of(act, transaction) for transaction in latest["balance_transaction"]],
            "events": latest["event"],
            "notices": {event["id"]: _notices(act, event) for event in latest["event"]},
            "balances": _balances(act),
        }
    body = render_template(
        "desk.html",
        _=translator(language),
        language=language,
        state=state_namer(language),
        money=money,
        figure=figure,
        moment=moment_text,
        may_act=is_from_here(request),
        done=done if done in _SECTIONS else "",
        problem=problem,
        shown=SHOWN,
        webhook_url=house.settings.webhook_url,
        now=full_moment(house.clock.now()),
        is_shifted=house.clock.offset_seconds != 0,
        options=house.options,
        faults=house.faults.listed(),
        outcomes=[(outcome.value, name) for outcome, name in OUTCOME_NAMES.items()],
        method_names=METHOD_NAMES,
        currencies=sorted(SIGNS, key=lambda currency: (currency != "cny", currency != "hkd", currency)),
        advances=ADVANCES,
        requests=REQUESTS,
        notice_types=NOTICES,
        request_faults=_REQUEST_FAULTS,
        event_faults=_EVENT_FAULTS,
        fault_names=FAULT_NAMES,
        refund_failures=refunds.FAILURES,
        reasons=disputes.REASONS,
        **view,
    )
    response = make_response(body, status)
    response.headers["Content-Security-Policy"] = content_policy(None)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"  # "no-referrer" would also empty the Origin of our own forms
    response.headers["Cache-Control"] = "no-store"
    response.headers["Vary"] = "Accept-Language"
    return response


def _is_processing(act: Act, session: StripeObject) -> bool:
    intent = act.books.find("payment_intent", session["payment_intent"] or "")
    return intent is not None and intent["status"] == "processing"


def _balances(act: Act) -> list[dict[str, Any]]:  # Any: a currency and two sums
    """What no payout has taken along, by currency: ready to go, and not yet."""
    rows = act.books.run(
        "select json_extract(body, '$.currency') as currency,"
        " sum(iif(json_extract(body, '$.available_on') <= :now, json_extract(body, '$.net'), 0)) as available,"
        " sum(iif(json_extract(body, '$.available_on') > :now, json_extract(body, '$.net'), 0)) as pending"
        " from object where kind = 'balance_transaction' and json_extract(body, '$._payout') is null group by currency order by currency",
        {"now": act.now},
    )
    return [dict(row) for row in rows]


def _notices(act: Act, event: StripeObject) -> list[dict[str, Any]]:  # Any: a row of state, attempts and the last problem
    rows = act.books.run(
        "select state, attempts,"
        " (select problem from attempt where delivery_id = delivery.id order by id desc limit 1) as problem"
        " from delivery where event_id = ? order by id",
        (event["id"],),
    )
    return [dict(row) for row in rows]


def _house() -> House:
    house: House = current_app.extensions["sandbox"]
    return house


def _courier() -> Courier:
    courier: Courier = current_app.extensions["sandbox_courier"]
    return courier
