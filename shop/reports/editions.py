"""What changes seldom, kept ready in each process for as long as its edition lasts: texts, labels, photographs, origins, reviews.

Law: whoever changes a row of `TABLES`, by whatever way, turns the edition in the same transaction: triggers of the database see to it
(migrations/versions/20261128_editions.py). A page asks for the edition first and reads what is missing after it, so that nothing kept is older than the edition
that it is kept under. What moves with every sale (stock, what a lot has brought in) stands in no table of these and is read each time.
"""

from collections.abc import Callable, Hashable
from typing import ParamSpec, TypeVar, cast
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, select

from shop.extensions import columns_of, db
from shop.reports.models import Edition

TABLES = (
    "towns",
    "villages",
    "cooperatives",
    "categories",
    "products",
    "skus",
    "product_photos",
    "product_labels",
    "product_marks",
    "prices_elsewhere",
    "pictures",
    "lot_sources",
    "accreditations",
    "reviews",
    "review_photos",
)
"""What may be kept under an edition; reading of another table would not be forgotten in time."""
MOST_KEPT = 4096
"""Answers of one edition; a visitor who makes questions up empties the store and costs us slow pages."""

P = ParamSpec("P")
T = TypeVar("T")
_TOKEN = select(columns_of(Edition).token)
_stores: WeakKeyDictionary[Engine, tuple[str, dict[Hashable, object]]] = WeakKeyDictionary()
"""Of each database the last edition seen, and what is kept under it."""


class Kept:
    """What is known of one edition."""

    def __init__(self, answers: dict[Hashable, object]) -> None:
        self._answers = answers

    def known(self, read: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        """What `read` answers to these arguments, read once. It answers with frozen values, from `TABLES` alone; None, for what is not there, is not kept."""
        question = (read, args, tuple(named.items()))
        answer = self._answers.get(question)
        if answer is None:
            answer = read(*args, **named)
            if len(self._answers) >= MOST_KEPT:
                self._answers.clear()
            if answer is not None:
                self._answers[question] = answer
        return cast(T, answer)


def this_edition() -> Kept:
    """What is known of the edition of this moment; of a database without one, nothing. One statement."""
    token = db.session.execute(_TOKEN).scalar()
    if token is None:
        return Kept({})
    store = _stores.get(db.engine)
    if store is None or store[0] != token:
        store = _stores[db.engine] = (token, {})
    return Kept(store[1])
