"""Stripe's webhook: verified, kept, and then looked into."""

import structlog
from flask import Blueprint, request
from werkzeug.exceptions import RequestEntityTooLarge

from shop.accounts.roles import Permission
from shop.acts.handle_event import handle_event
from shop.extensions import csrf, limiter
from shop.kit.clock import utc_now
from shop.payments import service as payments
from shop.payments.stripe.events import NotFromStripe, is_live_key, read_event
from shop.web.current import needs, settings

blueprint = Blueprint("stripe", __name__)
log = structlog.get_logger()

LARGEST_BYTES = 1_000_000
"""Stripe's events have some kilobytes."""


@blueprint.post("/stripe")
@limiter.exempt
@needs(Permission.PROVIDER)
def receive() -> tuple[str, int]:
    """Keep an event, then look into it. 400: not from Stripe, nothing was kept. 200: kept; what goes wrong from here on, the sweep takes up."""
    request.max_content_length = LARGEST_BYTES
    shop = settings()
    signature = request.headers.get("Stripe-Signature")
    try:
        body = request.get_data(cache=False)
        told = read_event(body, signature, shop.stripe_webhook_secret, is_live=is_live_key(shop.stripe_secret_key))
    except (NotFromStripe, RequestEntityTooLarge) as refusal:
        # Never what it said: it may be anybody's. A stale signature that comes again and again is a clock that is wrong, ours perhaps.
        log.warning("webhook_refused", why=type(refusal).__name__, detail=str(refusal)[:60] if isinstance(refusal, NotFromStripe) else "")
        return "", 400
    now = utc_now()
    event = payments.keep_event(
        provider="stripe", event_id=told.event_id, kind=told.kind, object_id=told.object_id, happened_at=told.happened_at, now=now
    )
    handle_event(event, now=now)
    return "", 200


csrf.exempt(receive)  # the signature takes the token's place
