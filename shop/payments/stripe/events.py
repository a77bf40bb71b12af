"""What Stripe's webhooks say, reduced to names: which event, about which of its objects, when. What they claim about money is not read.

Law: nothing is believed before its signature is verified over the raw body.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

import stripe

from shop.kit.errors import Refused

TOLERANCE_SECONDS = 300
"""How old a signature may be, against replays (docs.stripe.com/webhooks/signature)."""

# Of these objects the event is about the thing that their own field names, not about themselves.
_STANDS_FOR = {"charge": "payment_intent", "dispute": "payment_intent"}
_KNOWN_BY_THEMSELVES = {"checkout.session", "payment_intent", "refund"}


class NotFromStripe(Refused):
    """Forged, stale, or not an event at all."""


@dataclass(frozen=True)
class Told:
    """An event, as far as it is kept."""

    event_id: str
    kind: str
    object_id: str | None
    """A session, a payment intent or a refund; none when it is about something that we do not follow."""
    happened_at: datetime


def read_event(body: bytes, signature: str | None, secret: str) -> Told:
    """Verify a webhook's body against its `Stripe-Signature` header.

    Raises NotFromStripe.
    """
    try:
        event = stripe.Webhook.construct_event(body, signature, secret, TOLERANCE_SECONDS)
        return Told(
            event_id=_name(event.id, 120),
            kind=_name(event.type, 80),
            object_id=_object_id(event.data.object),
            happened_at=datetime.fromtimestamp(event.created, UTC),
        )
    except (stripe.SignatureVerificationError, ValueError, TypeError, AttributeError, KeyError, OverflowError) as error:
        raise NotFromStripe(type(error).__name__) from error  # the last five: signed rightly, and still no event


def _object_id(thing: object) -> str | None:
    kind = thing["object"]  # type: ignore[index]  # a StripeObject of any kind
    field = "id" if kind in _KNOWN_BY_THEMSELVES else _STANDS_FOR.get(kind)
    found = thing[field] if field is not None else None  # type: ignore[index]
    return _name(found, 120) if found is not None else None


def _name(value: object, longest: int) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= longest:
        raise ValueError("not a name")
    return value
