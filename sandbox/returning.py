"""Where the buyer goes after the pay page, and the policy that lets the browser go there."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from sandbox.store import StripeObject

_PLACE = "{CHECKOUT_SESSION_ID}"
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+")  # nothing that could begin another directive


def address_after_payment(session: StripeObject) -> str:
    """The shop's `success_url` with the session's id in the place kept for it."""
    return _filled(session, session["success_url"])


def address_after_giving_up(session: StripeObject) -> str | None:
    """The shop's `cancel_url`, if it gave one."""
    return _filled(session, session["cancel_url"]) if session["cancel_url"] else None


def _filled(session: StripeObject, address: str) -> str:
    return address.replace(_PLACE, session["id"])


def content_policy(session: StripeObject | None) -> str:
    """The Content-Security-Policy of a page; a session's page may also send the buyer to the shop.

    Browsers apply `form-action` to the redirect that answers a form (w3c/webappsec-csp #8), so the shop's origin stands there.
    """
    targets = ["'self'"]
    for address in (session["success_url"], session["cancel_url"]) if session else ():
        parts = urlsplit(address or "")
        origin = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        if _ORIGIN.fullmatch(origin) and origin not in targets:
            targets.append(origin)
    return f"default-src 'none'; style-src 'self'; img-src 'self'; form-action {' '.join(targets)}; base-uri 'none'; frame-ancestors 'none'"
