"""Stripe's refusals: the status, type, code and words by which the SDK picks the class it raises.

Source: docs.stripe.com/api/errors and docs.stripe.com/error-codes.
"""

from __future__ import annotations

from typing import Any


class StripeError(Exception):
    """A refusal in Stripe's shape. Raised by an endpoint that has begun its work, so an idempotency key remembers it."""

    status = 400
    kind = "invalid_request_error"

    def __init__(self, message: str, *, code: str | None = None, param: str | None = None, status: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.param = param
        if status is not None:
            self.status = status

    def body(self) -> dict[str, Any]:  # Any: JSON
        error: dict[str, Any] = {"message": self.message, "type": self.kind}
        if self.code is not None:
            error["code"] = self.code
            error["doc_url"] = f"https://stripe.com/docs/error-codes/{self.code.replace('_', '-')}"
        if self.param is not None:
            error["param"] = self.param
        return {"error": error}


class BadParameter(StripeError):
    """The parameters did not pass validation: no endpoint began its work, so no idempotency key remembers it."""


class NotAllowedIn(StripeError):
    """No API key, or not ours."""

    status = 401


class SameKeyOtherRequest(StripeError):
    """An idempotency key came back with another endpoint or other parameters."""

    kind = "idempotency_error"


class KeyInUse(StripeError):
    """Another request with the same idempotency key is being worked on at this moment."""

    status = 409


class TooMany(StripeError):
    """Too many requests at once (docs.stripe.com/rate-limits)."""

    status = 429


class Broken(StripeError):
    """Stripe's own fault: what a scripted failure answers."""

    status = 500
    kind = "api_error"


def no_such(kind: str, identifier: str, param: str, *, status: int = 404) -> StripeError:
    """The answer to an id that is not there: 404 in an address, 400 in a parameter."""
    return StripeError(f"No such {kind}: '{identifier}'", code="resource_missing", param=param, status=status)
