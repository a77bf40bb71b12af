"""Events: what happened, as a snapshot that never changes, and the deliveries that each of them owes.

Law: an event and its deliveries are written in the transaction of their cause.
"""

from __future__ import annotations

from typing import Any

from sandbox.errors import StripeError, no_such
from sandbox.faults import facts_of
from sandbox.house import API_VERSION, Act, new_id
from sandbox.objects import Listing, find_page, shown
from sandbox.parameters import Flag, ListOf, Text, listing, retrieving
from sandbox.settings import EVERY_EVENT
from sandbox.store import StripeObject

RETRIEVE = retrieving()
KEPT_SECONDS = 30 * 24 * 60 * 60
"""How long events can be asked for (docs.stripe.com/api/events)."""
PASSING_SECONDS = 5.0
"""How long a reordered event waits for a later one to pass it."""
LIST = listing(type=Text(), types=ListOf(Text(), most=20), delivery_success=Flag())


def emit(act: Act, event_type: str, thing: StripeObject, previous: dict[str, Any] | None = None) -> None:  # Any: JSON
    """Write the event `event_type` about `thing` as it is now, and what is owed to the webhook endpoint for it."""
    event: StripeObject = {
        "id": new_id("evt"),
        "object": "event",
        "api_version": API_VERSION,
        "created": act.now,
        "data": {"object": shown(thing)} | ({"previous_attributes": previous} if previous is not None else {}),
        "livemode": False,
        "pending_webhooks": 0,
        "request": {"id": act.origin.request_id, "idempotency_key": act.origin.idempotency_key},
        "type": event_type,
    }
    act.books.insert(event)
    _owe(act, event)
    act.has_news = True


def _owe(act: Act, event: StripeObject) -> None:
    wanted = act.settings.webhook_events
    if act.settings.webhook_url is None or not (wanted == EVERY_EVENT or event["type"] in wanted):
        return
    fault = act.faults.take_for_sending(event["type"], facts_of(event["data"]["object"]))
    do, seconds, copies = (fault.do, fault.seconds, fault.copies) if fault else (None, 0.0, 1)
    due_at = act.moment + max(seconds, act.notice.delay_seconds, PASSING_SECONDS if do == "reorder" else 0.0)
    for _ in range(max(act.notice.copies, copies)):
        act.books.run(
            "insert into delivery (event_id, state, due_at, lets_pass) values (?, ?, ?, ?)",
            (event["id"], "dropped" if do == "drop" else "pending", due_at, do == "reorder"),
        )


def resend(act: Act, identifier: str, copies: int = 1) -> StripeObject:
    """Owe an event to the endpoint once more, whatever became of it before. Raises StripeError."""
    if type(copies) is not int or not 1 <= copies <= 100:
        raise StripeError("copies must be a whole number from 1 to 100", param="copies")
    event = retrieve(act, identifier)
    if act.settings.webhook_url is None:
        raise StripeError("There is no webhook endpoint to deliver to.")
    for _ in range(copies):
        act.books.run("insert into delivery (event_id, state, due_at) values (?, 'pending', ?)", (identifier, act.moment))
    act.has_news = True
    return with_pending(act, event)


def drop(act: Act, identifier: str) -> StripeObject:
    """Never deliver what is still waiting of an event. Raises StripeError."""
    retrieve(act, identifier)
    act.books.run("update delivery set state = 'dropped' where event_id = ? and state in ('pending', 'failed')", (identifier,))
    return retrieve(act, identifier)


def retrieve(act: Act, identifier: str) -> StripeObject:
    """One event with the number of its deliveries that have not succeeded. Raises StripeError."""
    event = act.books.find("event", identifier)
    if event is None or event["created"] < act.now - KEPT_SECONDS:
        raise no_such("event", identifier, "id")
    return with_pending(act, event)


def find_all(act: Act, wanted: dict[str, Any]) -> Listing:  # Any: checked parameters
    """Events, newest first; `delivery_success` picks those that were delivered wholly, or not."""
    conditions = [f"json_extract(body, '$.created') >= {act.now - KEPT_SECONDS:d}"]
    values: list[str] = []
    types = wanted.get("types") or ([wanted["type"]] if "type" in wanted else [])
    if types:
        conditions.append("(" + " or ".join("json_extract(body, '$.type') glob ?" for _ in types) + ")")
        values += types
    if (success := wanted.get("delivery_success")) is not None:
        missing = "exists (select 1 from delivery where event_id = object.id and state <> 'delivered')"
        conditions.append(f"not {missing}" if success else missing)
    found = find_page(act.books, "event", "/v1/events", wanted, where=" and ".join(conditions), values=values)
    return Listing(found.url, [with_pending(act, event) for event in found.things], found.has_more)


def with_pending(act: Act, event: StripeObject) -> StripeObject:
    count = act.books.run("select count(*) from delivery where event_id = ? and state <> 'delivered'", (event["id"],)).fetchone()[0]
    return event | {"pending_webhooks": count}
