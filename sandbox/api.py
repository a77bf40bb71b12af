"""`/v1`: Stripe's HTTP API as far as the shop uses it. Checks the key and the version, reads the parameters, plays scripted faults."""

from __future__ import annotations

import base64
import hmac
import json
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

from flask import Blueprint, Response, current_app, g, request
from werkzeug.exceptions import HTTPException

from sandbox import balance, customers, disputes, events, payments, payouts, refunds, sessions
from sandbox.errors import BadParameter, Broken, NotAllowedIn, StripeError, TooMany
from sandbox.faults import Fault
from sandbox.house import API_VERSION, Act, House, Origin, new_id
from sandbox.idempotency import Answer, fingerprint_of, once
from sandbox.objects import Listing, line_items, open_list, open_up
from sandbox.parameters import Fields, nest
from sandbox.store import StripeObject

api = Blueprint("api", __name__, url_prefix="/v1")

Wanted = dict[str, Any]  # Any: checked parameters


@api.post("/checkout/sessions")
def create_session() -> Response:
    return _post(sessions.CREATE, sessions.create)


@api.get("/checkout/sessions")
def list_sessions() -> Response:
    return _list(sessions.LIST, sessions.find_all)


@api.get("/checkout/sessions/<identifier>")
def retrieve_session(identifier: str) -> Response:
    return _get(sessions.RETRIEVE, lambda act: sessions.retrieve(act, identifier))


@api.get("/checkout/sessions/<identifier>/line_items")
def list_line_items(identifier: str) -> Response:
    sessions.LINE_ITEMS.read(nest(request.args.items(multi=True)), "")
    with _house().act() as act:
        return _json(200, line_items(sessions.retrieve(act, identifier)))


@api.post("/checkout/sessions/<identifier>/expire")
def expire_session(identifier: str) -> Response:
    return _post(sessions.EXPIRE, lambda act, _wanted: sessions.expire(act, identifier))


@api.post("/customers")
def create_customer() -> Response:
    return _post(customers.CREATE, customers.create)


@api.get("/customers")
def list_customers() -> Response:
    return _list(customers.LIST, customers.find_all)


@api.get("/customers/<identifier>")
def retrieve_customer(identifier: str) -> Response:
    return _get(customers.RETRIEVE, lambda act: customers.retrieve(act, identifier))


@api.post("/customers/<identifier>")
def update_customer(identifier: str) -> Response:
    return _post(customers.UPDATE, lambda act, wanted: customers.update(act, identifier, wanted))


@api.get("/payment_intents")
def list_intents() -> Response:
    return _list(payments.LIST_INTENTS, payments.find_intents)


@api.get("/payment_intents/<identifier>")
def retrieve_intent(identifier: str) -> Response:
    return _get(payments.RETRIEVE, lambda act: payments.retrieve_intent(act, identifier))


@api.get("/charges")
def list_charges() -> Response:
    return _list(payments.LIST_CHARGES, payments.find_charges)


@api.get("/charges/<identifier>")
def retrieve_charge(identifier: str) -> Response:
    return _get(payments.RETRIEVE, lambda act: payments.retrieve_charge(act, identifier))


@api.get("/balance_transactions")
def list_balance_transactions() -> Response:
    return _list(balance.LIST, balance.find_all)


@api.get("/balance_transactions/<identifier>")
def retrieve_balance_transaction(identifier: str) -> Response:
    return _get(balance.RETRIEVE, lambda act: balance.retrieve(act, identifier))


@api.post("/refunds")
def create_refund() -> Response:
    return _post(refunds.CREATE, refunds.create)


@api.get("/refunds")
def list_refunds() -> Response:
    return _list(refunds.LIST, refunds.find_all)


@api.get("/refunds/<identifier>")
def retrieve_refund(identifier: str) -> Response:
    return _get(refunds.RETRIEVE, lambda act: refunds.retrieve(act, identifier))


@api.get("/disputes")
def list_disputes() -> Response:
    return _list(disputes.LIST, disputes.find_all)


@api.get("/disputes/<identifier>")
def retrieve_dispute(identifier: str) -> Response:
    return _get(disputes.RETRIEVE, lambda act: disputes.retrieve(act, identifier))


@api.post("/disputes/<identifier>")
def update_dispute(identifier: str) -> Response:
    return _post(disputes.UPDATE, lambda act, wanted: disputes.update(act, identifier, wanted))


@api.post("/disputes/<identifier>/close")
def close_dispute(identifier: str) -> Response:
    return _post(disputes.CLOSE, lambda act, _wanted: disputes.close(act, identifier, won=False))


@api.get("/payouts")
def list_payouts() -> Response:
    return _list(payouts.LIST, payouts.find_all)


@api.get("/payouts/<identifier>")
def retrieve_payout(identifier: str) -> Response:
    return _get(payouts.RETRIEVE, lambda act: payouts.retrieve(act, identifier))


@api.get("/events")
def list_events() -> Response:
    return _list(events.LIST, events.find_all)


@api.get("/events/<identifier>")
def retrieve_event(identifier: str) -> Response:
    return _get(events.RETRIEVE, lambda act: events.retrieve(act, identifier))


@api.route("/", defaults={"path": ""}, methods=["GET", "POST", "DELETE"])
@api.route("/<path:path>", methods=["GET", "POST", "DELETE"])
def unrecognized(path: str) -> Response:
    message = f"Unrecognized request URL ({request.method}: /v1/{path}). The sandbox plays only a part of Stripe's API."
    raise StripeError(message, status=404)


def _post(schema: Fields, work: Callable[[Act, Wanted], StripeObject]) -> Response:
    """Check the form, then act once for its idempotency key."""
    pairs = [*request.args.items(multi=True), *request.form.items(multi=True)]
    wanted = schema.read(nest(pairs), "")
    expand = wanted.pop("expand", [])
    origin = Origin(g.request_id, request.headers.get("Idempotency-Key"))
    fault: Fault | None = g.fault
    answer = once(
        _house(),
        origin,
        fingerprint_of(request.method, request.path, pairs),
        lambda act: open_up(act.books, work(act, wanted), expand),
        delay_seconds=fault.seconds if fault is not None and fault.do == "delay" else 0.0,
        breaks=fault is not None and fault.do == "error_500_kept",
    )
    return _answered(answer, origin)


def _get(schema: Fields, work: Callable[[Act], StripeObject]) -> Response:
    wanted = schema.read(nest(request.args.items(multi=True)), "")
    _wait_if_told()
    with _house().act() as act:
        return _json(200, open_up(act.books, work(act), wanted.get("expand", [])))


def _list(schema: Fields, work: Callable[[Act, Wanted], Listing]) -> Response:
    wanted = schema.read(nest(request.args.items(multi=True)), "")
    _wait_if_told()
    with _house().act() as act:
        return _json(200, open_list(act.books, work(act, wanted), wanted.get("expand", [])))


def _house() -> House:
    house: House = current_app.extensions["sandbox"]
    return house


def _json(status: int, body: StripeObject) -> Response:
    return Response(json.dumps(body, ensure_ascii=False), status, mimetype="application/json")


def _answered(answer: Answer, origin: Origin) -> Response:
    response = Response(answer.body, answer.status, mimetype="application/json")
    if origin.idempotency_key is not None:
        response.headers["Idempotency-Key"] = origin.idempotency_key
    if answer.first_request_id is not None:
        response.headers["Idempotent-Replayed"] = "true"
        response.headers["Original-Request"] = answer.first_request_id
    return response


@api.before_request
def _begin() -> Response | None:
    """Name the request, take the fault that waits for it, and let in only our key and our version."""
    g.request_id = new_id("req", 14)
    g.fault = None
    _let_in(_house().settings.secret_key)
    facts = dict([*request.args.items(multi=True), *request.form.items(multi=True)])
    g.fault = _house().faults.take_for_request(request.method, request.path, facts)
    if g.fault is not None and g.fault.do == "refuse":
        return _hung_up()
    if g.fault is not None and g.fault.do == "rate_limit":
        raise TooMany("Request rate limit exceeded. A scripted failure: nothing was done.", code="rate_limit")
    if g.fault is not None and g.fault.do == "error_500_before":
        raise Broken("A scripted failure: nothing was done.")
    return None


def _let_in(secret_key: str) -> None:
    given = _given_key()
    if not given:
        message = (
            "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth "
            "(e.g. 'Authorization: Bearer YOUR_SECRET_KEY')."
        )
        raise NotAllowedIn(message)
    if not hmac.compare_digest(given.encode(), secret_key.encode()):
        raise NotAllowedIn(f"Invalid API Key provided: {given[:8]}{'*' * 8}{given[-4:] if len(given) > 16 else ''}")
    version = request.headers.get("Stripe-Version", API_VERSION)
    if version != API_VERSION:
        raise BadParameter(f"Invalid Stripe API version: {version}. The sandbox plays {API_VERSION} alone.")


def _given_key() -> str:
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode().partition(":")[0]
        except ValueError:
            return ""
    return ""


def _wait_if_told() -> None:
    if g.fault is not None and g.fault.do == "delay":
        time.sleep(g.fault.seconds)


@api.after_request
def _end(response: Response) -> Response:
    """Put Stripe's headers on, or play the fault that strikes after the act."""
    fault: Fault | None = g.fault
    if fault is not None and fault.do == "timeout":
        time.sleep(fault.seconds)
        return _hung_up()
    if fault is not None and fault.do == "reset":
        return _hung_up()
    if fault is not None and fault.do == "error_500_after":
        response = _json(500, Broken("A scripted failure: the request was carried out, its answer is lost.").body())
    response.headers["Request-Id"] = g.request_id
    response.headers["Stripe-Version"] = API_VERSION
    response.headers["Cache-Control"] = "no-cache, no-store"
    return response


def _hung_up() -> Response:
    """End the connection without an answer.

    A WSGI application cannot close its connection. Werkzeug lends us the socket; elsewhere (Granian) a body shorter than announced makes
    the server break off, which the SDK takes for a connection error too.
    """
    connection = request.environ.get("werkzeug.socket")
    if isinstance(connection, socket.socket):
        connection.shutdown(socket.SHUT_RDWR)

    def cut_short() -> Iterator[bytes]:
        yield b"{"

    return Response(cut_short(), 200, headers={"Content-Length": "1000"}, mimetype="application/json")


@api.errorhandler(StripeError)
def _refused(refusal: StripeError) -> Response:
    return _json(refusal.status, refusal.body())


@api.errorhandler(HTTPException)
def _malformed(problem: HTTPException) -> Response:
    status = problem.code or 400
    return _json(status, StripeError(problem.description or problem.name, status=status).body())
