"""Customers: who pays, as far as the shop tells. A session may name one; its payment intent and charge then do too.

Source: docs.stripe.com/api/customers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.errors import no_such
from sandbox.events import emit
from sandbox.house import Act, new_id
from sandbox.objects import Listing, find_page
from sandbox.parameters import EXPAND, Email, Fields, ListOf, Metadata, Reader, Text, listing, retrieving
from sandbox.store import StripeObject

_ADDRESS = Fields({name: Text() for name in ("city", "country", "line1", "line2", "postal_code", "state")})
_KNOWN: Mapping[str, Reader] = {
    "expand": EXPAND,
    "address": _ADDRESS,
    "description": Text(),
    "email": Email(),
    "metadata": Metadata(),
    "name": Text(longest=256),
    "phone": Text(longest=20),
    "preferred_locales": ListOf(Text(longest=10)),
    "shipping": Fields({"address": _ADDRESS, "name": Text(), "phone": Text()}, required=("address", "name")),
}
_UNPLAYED = frozenset(
    {
        "balance",
        "business_name",
        "cash_balance",
        "default_source",
        "individual_name",
        "invoice_prefix",
        "invoice_settings",
        "next_invoice_sequence",
        "payment_method",
        "source",
        "tax",
        "tax_exempt",
        "tax_id_data",
        "validate",
    }
)
CREATE = UPDATE = Fields(_KNOWN, unplayed=_UNPLAYED)
RETRIEVE = retrieving()
LIST = listing(email=Text())


def create(act: Act, wanted: dict[str, Any]) -> StripeObject:  # Any: checked parameters
    """Keep a new customer."""
    customer = act.books.insert(
        {
            "id": new_id("cus", 14),
            "object": "customer",
            "address": wanted.get("address"),
            "balance": 0,
            "created": act.now,
            "currency": None,
            "default_source": None,
            "delinquent": False,
            "description": wanted.get("description"),
            "discount": None,
            "email": wanted.get("email"),
            "invoice_prefix": new_id("x", 8)[2:].upper(),
            "invoice_settings": {"custom_fields": None, "default_payment_method": None, "footer": None, "rendering_options": None},
            "livemode": False,
            "metadata": wanted.get("metadata", {}),
            "name": wanted.get("name"),
            "phone": wanted.get("phone"),
            "preferred_locales": wanted.get("preferred_locales", []),
            "shipping": wanted.get("shipping"),
            "tax_exempt": "none",
            "test_clock": None,
        }
    )
    emit(act, "customer.created", customer)
    return customer


def update(act: Act, identifier: str, wanted: dict[str, Any]) -> StripeObject:  # Any: checked parameters
    """Change what is given; metadata is merged. Raises StripeError."""
    customer = retrieve(act, identifier)
    changes = wanted | ({"metadata": customer["metadata"] | wanted["metadata"]} if "metadata" in wanted else {})
    before = {name: customer[name] for name in changes}
    customer = act.books.update(customer | changes)
    emit(act, "customer.updated", customer, before)
    return customer


def retrieve(act: Act, identifier: str) -> StripeObject:
    """One customer. Raises StripeError."""
    customer = act.books.find("customer", identifier)
    if customer is None:
        raise no_such("customer", identifier, "id")
    return customer


def find_all(act: Act, wanted: dict[str, Any]) -> Listing:  # Any: checked parameters
    """Customers, newest first."""
    return find_page(act.books, "customer", "/v1/customers", wanted, "email")
