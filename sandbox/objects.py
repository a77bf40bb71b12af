"""How kept objects are shown: without the sandbox's own notes, with the references that were asked for opened, and in lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.errors import BadParameter
from sandbox.store import Page, StripeObject, Transaction

DEEPEST_EXPANSION = 4  # docs.stripe.com/api/expanding_objects

# Which field of which kind names an object of which kind. A later kind is one more row.
_REFERENCES: Mapping[str, Mapping[str, str]] = {
    "checkout.session": {"customer": "customer", "payment_intent": "payment_intent"},
    "customer": {},
    "payment_intent": {"customer": "customer", "latest_charge": "charge"},
    "charge": {"balance_transaction": "balance_transaction", "customer": "customer", "payment_intent": "payment_intent"},
    "refund": {
        "balance_transaction": "balance_transaction",
        "charge": "charge",
        "failure_balance_transaction": "balance_transaction",
        "payment_intent": "payment_intent",
    },
    "balance_transaction": {"source": ""},  # its id says of which kind
    "dispute": {"charge": "charge", "payment_intent": "payment_intent"},
    "payout": {"balance_transaction": "balance_transaction", "failure_balance_transaction": "balance_transaction"},
    "event": {},
}
_KIND_BY_PREFIX = {"ch": "charge", "py": "charge", "re": "refund", "pyr": "refund", "du": "dispute", "po": "payout"}


@dataclass(frozen=True)
class Listing:
    """One page of a list."""

    url: str
    things: Sequence[StripeObject]
    has_more: bool


def shown(thing: StripeObject) -> StripeObject:
    """The object without the sandbox's notes."""
    return {name: value for name, value in thing.items() if not name.startswith("_")}


def open_up(books: Transaction, thing: StripeObject, expand: Sequence[str]) -> StripeObject:
    """Show an object with the references named in `expand` replaced by the objects they name. Raises BadParameter."""
    opened = shown(thing)
    deeper: dict[str, list[str]] = {}
    for path in expand:
        if path.count(".") >= DEEPEST_EXPANSION:
            raise BadParameter(f"You cannot expand more than {DEEPEST_EXPANSION} levels of a property: {path}", param="expand")
        name, _, rest = path.partition(".")
        deeper.setdefault(name, [])
        if rest:
            deeper[name].append(rest)
    for name, paths in deeper.items():
        if thing["object"] == "checkout.session" and name == "line_items" and not paths:
            opened["line_items"] = line_items(thing)
            continue
        if name not in _REFERENCES[thing["object"]]:
            raise BadParameter(f"This property cannot be expanded ({name}).", param="expand")
        if (identifier := opened.get(name)) is not None:
            kind = _REFERENCES[thing["object"]][name] or _KIND_BY_PREFIX[identifier.partition("_")[0]]
            opened[name] = open_up(books, books.get(kind, identifier), paths)
    return opened


def open_list(books: Transaction, listing: Listing, expand: Sequence[str]) -> StripeObject:
    """Show a list; paths to expand begin with `data.`, as everywhere at Stripe. Raises BadParameter."""
    for path in expand:
        if not path.startswith("data."):
            raise BadParameter(f"This property cannot be expanded ({path}).", param="expand")
    paths = [path.removeprefix("data.") for path in expand]
    return {
        "object": "list",
        "url": listing.url,
        "has_more": listing.has_more,
        "data": [open_up(books, thing, paths) for thing in listing.things],
    }


def find_page(
    books: Transaction,
    kind: str,
    url: str,
    wanted: Mapping[str, Any],  # Any: checked parameters
    *filters: str,
    where: str = "",
    values: Sequence[str] = (),
) -> Listing:
    """The page of a list that the checked parameters ask for; `filters` are the parameters that must equal the field of their name."""
    page = Page(wanted.get("limit", 10), wanted.get("starting_after"), wanted.get("ending_before"))
    equals: dict[str, str] = {name: wanted[name] for name in filters if name in wanted}
    things, has_more = books.page(kind, page, equals=equals, created=wanted.get("created"), where=where, values=values)
    return Listing(url, things, has_more)


def line_items(session: StripeObject) -> StripeObject:
    """The session's line items as the list that Stripe shows."""
    return {
        "object": "list",
        "url": f"/v1/checkout/sessions/{session['id']}/line_items",
        "has_more": False,
        "data": session["_line_items"],
    }
