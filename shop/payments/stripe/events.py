"""What Stripe's webhooks say, reduced to names: which event, about which of its objects, when. What they claim about money is not read.

Law: nothing is believed before its signature is verified over the raw body.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import stripe

from shop.kit.errors import Refused
from shop.payments.provider import Told

TOLERANCE_SECONDS = 300
"""How old a signature may be, against replays (docs.stripe.com/webhooks/signature)."""

# Of these objects the event is about the thing that their own field names, not about themselves.
_STANDS_FOR = {"charge": "payment_intent"}
_KNOWN_BY_THEMSELVES = {"checkout.session", "payment_intent", "refund", "dispute", "payout"}


class NotFromStripe(Refused):
    """Forged, stale, or not an event at all."""


class OfAnotherMode(NotFromStripe):
    """Rightly signed, but play money told to a live shop, or real money to one that plays."""


def read_event(body: bytes, signature: str | None, secret: str, *, is_live: bool) -> Told:
    """Verify a webhook's body against its `Stripe-Signature` header. `is_live`: whether this shop's key moves real money.

    Raises NotFromStripe or OfAnotherMode.
    """
    try:
        # The SDK verifies; of what is said only the names are read, so no objects are built of it.
        stripe.WebhookSignature.verify_header(body, signature, secret, TOLERANCE_SECONDS)
        event = json.loads(body)
        if event["livemode"] is not is_live:
            raise OfAnotherMode("live" if event["livemode"] else "test")
        return told_by(event)
    except (stripe.SignatureVerificationError, ValueError, TypeError, AttributeError, KeyError, OverflowError) as error:
        raise NotFromStripe(type(error).__name__) from error  # the last five: signed rightly, and still no event


def told_by(event: Mapping[str, Any] | stripe.Event) -> Told:  # Any: Stripe's JSON
    """An event as far as it is kept. Raises ValueError, TypeError, AttributeError, KeyError or OverflowError if it is none."""
    return Told(
        event_id=_name(event["id"], 120),
        kind=_name(event["type"], 80),
        object_id=_object_id(event["data"]["object"]),
        happened_at=datetime.fromtimestamp(event["created"], UTC),
    )


def is_live_key(secret_key: str) -> bool:
    """Whether a key moves real money (docs.stripe.com/keys: `sk_live_…`, restricted ones `rk_live_…`)."""
    return secret_key.startswith(("sk_live_", "rk_live_"))


def _object_id(thing: object) -> str | None:
    kind = thing["object"]  # type: ignore[index]  # JSON or a StripeObject, of any kind
    field = "id" if kind in _KNOWN_BY_THEMSELVES else _STANDS_FOR.get(kind)
    found = thing[field] if field is not None else None  # type: ignore[index]
    return _name(found, 120) if found is not None else None


def _name(value: object, longest: int) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= longest:
        raise ValueError("not a name")
    return value
