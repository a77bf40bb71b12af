"""Stripe's errors in the words of the contract."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import stripe

from shop.payments.errors import ProviderRefused, ProviderUnavailable


@contextmanager
def translated() -> Iterator[None]:
    """Stripe's errors in the words of the contract. Neither carries Stripe's sentences: they may repeat what the buyer typed.

    Only an answer about the request itself is a no. A key that is not let in says nothing about money that an earlier request may have
    moved, so it counts as no answer.
    """
    try:
        yield
    except (stripe.InvalidRequestError, stripe.CardError, stripe.IdempotencyError) as error:
        raise ProviderRefused(error.code or _kind(error)) from error
    except stripe.StripeError as error:
        facts: Sequence[object] = (type(error).__name__, error.http_status, error.code, error.request_id)
        raise ProviderUnavailable(" ".join(str(fact) for fact in facts if fact)) from error


def _kind(error: stripe.StripeError) -> str:
    return (error.error.type if error.error is not None else None) or type(error).__name__
