"""`/_sandbox`: the strings behind the stage, for tests and developers: faults, payments without a browser, deliveries, the clock.

Law: only the loopback interface is answered, and only requests that a web page of another origin could not send by itself (JSON, or
DELETE): a browser that happens to run on this machine must not be made to pull strings.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, current_app, jsonify, request

from sandbox import payments, sessions
from sandbox.courier import Courier
from sandbox.errors import StripeError
from sandbox.faults import BadFault
from sandbox.house import House
from sandbox.objects import shown
from sandbox.returning import address_after_payment

control = Blueprint("control", __name__, url_prefix="/_sandbox")


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
    """Set how far the sandbox's time is ahead of the machine's: `{"offset_seconds": 1900}`. Expiries follow at once."""
    offset = _body().get("offset_seconds")
    if type(offset) is not int or abs(offset) > 10 * 366 * 86400:
        return jsonify(error="offset_seconds must be a whole number of seconds, at most ten years"), 400
    _house().clock.offset_seconds = offset
    _house().news.set()
    return tell_time()


@control.before_request
def _only_from_here() -> tuple[Response, int] | None:
    through_proxy = "X-Forwarded-For" in request.headers or "Forwarded" in request.headers
    by_our_name = urlsplit(f"//{request.host}").hostname in ("127.0.0.1", "::1", "localhost")  # else a page may have rebound its name to us
    if request.remote_addr not in ("127.0.0.1", "::1") or through_proxy or not by_our_name:
        return jsonify(error="only for this machine"), 403
    if request.method == "POST" and request.mimetype != "application/json":
        return jsonify(error="send application/json"), 415
    return None


def _house() -> House:
    house: House = current_app.extensions["sandbox"]
    return house


def _body() -> dict[str, Any]:  # Any: JSON
    body = request.get_json(silent=True)
    return body if isinstance(body, dict) else {}
