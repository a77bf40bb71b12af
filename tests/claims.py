"""A claim put down directly, as it waits for its answer: a test states only what it is about."""

from dataclasses import dataclass

from shop.extensions import act
from shop.kit.ids import ClaimId, PictureId, UserId, new_key
from shop.kit.pictures import Drawn, draw
from shop.orders import claims
from shop.orders import service as orders
from shop.orders.claim_states import ClaimKind, ClaimReason
from shop.orders.claims import NewClaim
from shop.pictures.service import keep_picture
from tests.factories import Person
from tests.kit.test_pictures import picture
from tests.shopping import NOW


@dataclass(frozen=True)
class MadeClaim:
    """A damaged bag, and the photograph of it."""

    claim_id: ClaimId
    claim_picture_id: PictureId


def make_claim(number: str, buyer: Person | None = None, *, units: int = 1) -> MadeClaim:
    """So many of an order's first line."""
    return _put_down(number, units, draw(picture()), by=buyer.id if buyer else None)


@act
def _put_down(number: str, units: int, photo: Drawn, *, by: UserId | None) -> MadeClaim:
    order = orders.lock(number)
    line = orders.lines_of(order.id)[0]
    new = NewClaim(ClaimKind.RETURN, ClaimReason.DAMAGED, "破损", "袋子破了", False, {line.id: units})
    claim = claims.put_down(order, line.cooperative_id, new, once=f"claim:{order.id}:{new_key()}", by=by, now=NOW)
    picture_id = keep_picture(photo, is_public=False, by=by, now=NOW)
    claims.show_photos(claim.id, [picture_id])
    return MadeClaim(claim.id, picture_id)
