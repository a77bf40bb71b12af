"""Wishes to hear when a product can be bought again: one letter each, then the wish has been granted.

Law: a wish brings one letter, never more, unless it is wished again; the letter's link ends it without a sign-in.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, insert, select, update

from shop.extensions import act, columns_of, db, require_transaction, rows_as, table_of
from shop.kit.ids import ProductId, UserId, WishId, new_key
from shop.kit.keys import is_link_key, link_key
from shop.voices.errors import NoSuchWish
from shop.voices.models import Wish

_PURPOSE = "wish"


@dataclass(frozen=True)
class WishFacts:
    """One wish."""

    id: WishId
    product_id: ProductId
    email: str
    locale: str
    seed: str
    wished_at: datetime
    ended_at: datetime | None

    def key(self, secret: str) -> str:
        """The key of its link."""
        return link_key(secret, _PURPOSE, self.seed)


_wish = columns_of(Wish)
_FACTS = select(_wish.id, _wish.product_id, _wish.email, _wish.locale, _wish.seed, _wish.wished_at, _wish.ended_at)
_BY_ID = _FACTS.where(_wish.id == bindparam("wish_id"))
_IS_OPEN = (_wish.told_at.is_(None), _wish.ended_at.is_(None))


@act
def wish(product_id: ProductId, *, email: str, locale: str, by: UserId | None, now: datetime) -> None:
    """Write one letter to this address when the product is back. Wished twice it is one wish; wished again after the letter it is a new one."""
    its = (Wish.product_id == product_id, Wish.email == email)
    known = db.session.scalar(select(Wish.id).where(*its).with_for_update())
    anew = {"locale": locale, "wished_at": now, "told_at": None, "ended_at": None}
    if known is None:
        db.session.execute(insert(Wish).values(product_id=product_id, email=email, user_id=by, seed=new_key(), **anew))
    else:
        db.session.execute(update(Wish).where(Wish.id == known).values(**anew))


@act
def end_wish(wish_id: WishId, *, now: datetime) -> None:
    """No letter. Ended twice is ended once."""
    db.session.execute(update(Wish).where(Wish.id == wish_id, Wish.ended_at.is_(None)).values(ended_at=now))


def find_wish(wish_id: WishId) -> WishFacts | None:
    """One wish, whoever's."""
    found = rows_as(WishFacts, db.session.execute(_BY_ID, {"wish_id": wish_id}))
    return found[0] if found else None


def get_wish(wish_id: WishId, key: str, *, secret: str) -> WishFacts:
    """The wish for whoever holds its link's key. Raises NoSuchWish."""
    found = find_wish(wish_id)
    if found is None or not is_link_key(key, secret, _PURPOSE, found.seed):
        raise NoSuchWish
    return found


def wished_products() -> Sequence[ProductId]:
    """Products that somebody waits for."""
    query = select(_wish.product_id).where(*_IS_OPEN).distinct().order_by(_wish.product_id)
    return [ProductId(product_id) for product_id in db.session.scalars(query)]


def grant(product_id: ProductId, *, most: int, now: datetime) -> Sequence[WishFacts]:
    """Step. The oldest open wishes for a product, at most `most`, marked as told: the caller leaves their letters."""
    require_transaction()
    query = _FACTS.where(*_IS_OPEN, _wish.product_id == product_id).order_by(_wish.id).limit(most)
    granted = rows_as(WishFacts, db.session.execute(query.with_for_update(skip_locked=True)))
    db.session.execute(update(table_of(Wish)).where(_wish.id.in_([each.id for each in granted])).values(told_at=now))
    return granted
