"""`/_sandbox`: the strings behind the stage, for tests and developers: faults, payments without a browser, deliveries, the clock.

Law: only the loopback interface is answered, and only requests that a web page of another origin could not send by itself (JSON, or
DELETE): a browser that happens to run on this machine must not be made to pull strings.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, request

from sandbox import balance, disputes, events, payments, payouts, refunds, sessions
from sandbox.courier import Courier
from sandbox.errors import StripeError
from sandbox.faults import BadFault
from sandbox.guard import is_from_here
from sandbox.house import Act, House
from sandbox.objects import shown
from sandbox.options import BadOption
from sandbox.returning import address_after_payment
from sandbox.store import StripeObject

control = Blueprint("control", __name__, url_prefix="/_sandbox")

FARTHEST_SECONDS = 10 * 366 * 86400
Played = Response | tuple[Response, int]


@control.get("/faults")
def list_faults() -> Response:
    return jsonify(faults=_house().faults.listed())


@control.post("/faults")
def add_faults() -> Response | tuple[Response, int]:
    """Take in `{"faults": [{"on", "do", "times"}]}`; what can be said is listed in `sandbox/faults.py`."""
    try:
        _house().faults.add(request.get_json())
    except BadFault as problem:
        return jsonify(error=str(problem)), 400
    return jsonify(faults=_house().faults.listed())


@control.delete("/faults")
def clear_faults() -> Response:
    _house().faults.clear()
    return jsonify(faults=[])


@control.post("/pay/<identifier>")
def pay(identifier: str) -> Response | tuple[Response, int]:
    """Play a payment: `{"method": "alipay", "outcome": "paid"}`, both optional; outcomes stand in `payments.Outcome`."""
    wanted = _body()
    outcome_name = wanted.get("outcome", payments.Outcome.PAID.value)
    try:
        outcome = payments.Outcome(outcome_name)
    except ValueError:
        return jsonify(error=f"outcome must be one of {', '.join(payments.Outcome)}, not {outcome_name!r}"), 400
    try:
        with _house().act() as act:
            session = sessions.retrieve(act, identifier)
            method = wanted.get("method", session["payment_method_types"][0])
            session = payments.play(act, session, method, outcome)
    except StripeError as refusal:
        return jsonify(error=refusal.message), refusal.status
    paid = session["payment_status"] == "paid"
    return jsonify(session=shown(session), redirect=address_after_payment(session) if paid else None)


@control.post("/refunds")
def refund_in_the_dashboard() -> Played:
    """Refund as somebody would in Stripe's dashboard, without our metadata: `{"payment_intent": "pi_…", "amount": 6800}`; all, without an amount."""
    return _play(lambda act, wanted: refunds.create(act, {"charge": _charge(act, wanted)["id"]} | _amount(wanted)))


@control.post("/refunds/<identifier>/settle")
def settle_refund(identifier: str) -> Played:
    """Let a pending refund reach the buyer."""
    return _play(lambda act, _wanted: refunds.settle(act, identifier))


@control.post("/refunds/<identifier>/fail")
def fail_refund(identifier: str) -> Played:
    """Let a refund come back: `{"reason": "lost_or_stolen_card"}`; reasons stand in `refunds.FAILURES`."""
    return _play(lambda act, wanted: refunds.fail(act, identifier, wanted.get("reason", refunds.FAILURES[0])))


@control.post("/disputes")
def open_dispute() -> Played:
    """Let a cardholder dispute: `{"payment_intent": "pi_…", "amount": 6800, "reason": "fraudulent", "inquiry": false}`; the first is needed."""
    return _play(
        lambda act, wanted: disputes.open_one(
            act,
            _charge(act, wanted),
            amount=wanted.get("amount"),
            reason=wanted.get("reason", disputes.REASONS[0]),
            inquiry=wanted.get("inquiry") is True,
        )
    )


@control.post("/disputes/<identifier>/escalate")
def escalate_dispute(identifier: str) -> Played:
    """Let an inquiry become a dispute."""
    return _play(lambda act, _wanted: disputes.escalate(act, identifier))


@control.post("/disputes/<identifier>/win")
def win_dispute(identifier: str) -> Played:
    """Let the bank decide for the shop: `{"fee_returned": true}` gives the fee back too."""
    return _play(lambda act, wanted: disputes.close(act, identifier, won=True, fee_returned=wanted.get("fee_returned") is True))


@control.post("/disputes/<identifier>/lose")
def lose_dispute(identifier: str) -> Played:
    """Let the bank decide for the buyer."""
    return _play(lambda act, _wanted: disputes.close(act, identifier, won=False))


@control.post("/payouts")
def make_payout() -> Played:
    """Pay out what is available: `{"currency": "cny", "even_pending": false, "paid": true}`, all optional."""
    return _play(
        lambda act, wanted: payouts.make(
            act,
            currency=str(wanted.get("currency") or act.options.settlement_currency or "cny"),
            even_pending=wanted.get("even_pending") is True,
            paid=wanted.get("paid", True) is True,
        )
    )


@control.post("/payouts/<identifier>/arrive")
def arrive_payout(identifier: str) -> Played:
    """Let a payout on its way reach the bank."""
    return _play(lambda act, _wanted: payouts.arrive(act, identifier))


@control.post("/payouts/<identifier>/fail")
def fail_payout(identifier: str) -> Played:
    """Let the bank send a payout back: `{"code": "account_closed"}`; codes stand in `payouts.FAILURES`."""
    return _play(lambda act, wanted: payouts.fail(act, identifier, wanted.get("code", "account_closed")))


@control.post("/balance_transactions")
def enter_by_hand() -> Played:
    """Book a sum of any kind: `{"type": "stripe_fee", "amount": -500, "currency": "cny", "fee": 0, "source": null, "description": "…"}`."""
    return _play(balance.enter_by_hand)


@control.post("/events/<identifier>/resend")
def resend_event(identifier: str) -> Played:
    """Deliver an event once more, delivered before or not: `{"copies": 1}`."""
    return _play(lambda act, wanted: events.resend(act, identifier, wanted.get("copies", 1)))


@control.post("/events/<identifier>/drop")
def drop_event(identifier: str) -> Played:
    """Give up what has not been delivered of an event."""
    return _play(lambda act, _wanted: events.drop(act, identifier))


@control.get("/options")
def list_options() -> Response:
    return jsonify(_house().options.shown())


@control.post("/options")
def set_options() -> Response | tuple[Response, int]:
    """Change some: `{"refunds": "pending", "settlement_currency": "hkd", "rate": "1.0869", "dispute_fee": 8000}`; see `sandbox/options.py`."""
    try:
        _house().set_options(_house().options.changed(request.get_json(silent=True)))
    except BadOption as problem:
        return jsonify(error=str(problem)), 400
    return list_options()


@control.post("/deliver")
def deliver() -> Response:
    """Make one attempt at every pending delivery now, also at those that are not yet due."""
    courier: Courier = current_app.extensions["sandbox_courier"]
    courier.tidy()
    replies = courier.deliver(even_early=True)
    attempts = [{"status": reply.status, "problem": reply.problem} for reply in replies]
    return jsonify(delivered=sum(reply.is_accepted for reply in replies), attempts=attempts)


@control.get("/clock")
def tell_time() -> Response:
    clock = _house().clock
    return jsonify(offset_seconds=clock.offset_seconds, now=clock.now())


@control.post("/clock")
def shift_clock() -> Response | tuple[Response, int]:
    """Say how far its time is ahead of the machine's, `{"offset_seconds": 1900}`, or move it on, `{"advance_seconds": 1900}`.

    What has become due meanwhile follows at once: expiries, retries, forgotten keys.
    """
    wanted = _body()
    offset = wanted.get("offset_seconds")
    if "advance_seconds" in wanted and "offset_seconds" not in wanted and type(wanted["advance_seconds"]) is int:
        offset = _house().clock.offset_seconds + wanted["advance_seconds"]
    if type(offset) is not int or abs(offset) > FARTHEST_SECONDS:
        return jsonify(error="offset_seconds or advance_seconds must be a whole number of seconds, at most ten years"), 400
    _house().set_clock(offset)
    return tell_time()


@control.before_request
def _only_from_here() -> tuple[Response, int] | None:
    if not is_from_here(request):
        return jsonify(error="only for this machine"), 403
    if request.method == "POST" and request.mimetype != "application/json":
        return jsonify(error="send application/json"), 415
    return None


def _play(work: Callable[[Act, dict[str, Any]], StripeObject]) -> Played:  # Any: JSON
    """Do one thing and show what came of it, or say why not."""
    try:
        with _house().act() as act:
            return jsonify(shown(work(act, _body())))
    except StripeError as refusal:
        return jsonify(error=refusal.message, param=refusal.param), refusal.status


def _charge(act: Act, wanted: dict[str, Any]) -> StripeObject:  # Any: JSON
    """The succeeded charge of `charge`, `payment_intent` or `session`. Raises StripeError."""
    if "session" in wanted:
        wanted = {"payment_intent": sessions.retrieve(act, str(wanted["session"]))["payment_intent"]}
    if "payment_intent" in wanted:
        wanted = {"charge": payments.retrieve_intent(act, str(wanted["payment_intent"]))["latest_charge"]}
    return payments.retrieve_charge(act, str(wanted.get("charge")))


def _amount(wanted: dict[str, Any]) -> dict[str, int]:  # Any: JSON
    if (amount := wanted.get("amount")) is None:
        return {}
    if type(amount) is not int or amount < 1:
        raise StripeError("amount must be a whole number of at least 1", param="amount")
    return {"amount": amount}


def _house() -> House:
    house: House = current_app.extensions["sandbox"]
    return house


def _body() -> dict[str, Any]:  # Any: JSON
    body = request.get_json(silent=True)
    return body if isinstance(body, dict) else {}
