"""What somebody looked at lately: a few products, in the session's own cookie, until the browser is shut or they say to forget it.

Law: no cookie of its own and nothing in the database; who signals that they do not want to be followed (`Sec-GPC: 1`) is not.
"""

from flask import Blueprint, request, session
from werkzeug.wrappers import Response

from shop.accounts.roles import Permission
from shop.kit.ids import ProductId
from shop.reports.shelves import Seen, seen_products
from shop.web.current import needs
from shop.web.errors import go
from shop.web.storefront.words import is_english

blueprint = Blueprint("seen", __name__, url_prefix="/seen")

MOST = 6
KEY = "seen"


def remember(product_id: ProductId) -> None:
    """Put the product first among those seen."""
    before = _ids()
    if (request.headers.get("Sec-GPC") == "1") or before[:1] == [product_id]:
        return
    session[KEY] = [product_id, *(other for other in before if other != product_id)][:MOST]


def seen_lately() -> tuple[Seen, ...]:
    """The products seen, the last one first, that are still on the shelves. One statement; none for somebody who has seen nothing."""
    return seen_products([ProductId(each) for each in _ids()], english=is_english())


@blueprint.post("/forget")
@needs(Permission.ANYONE)
def forget() -> Response:
    """Forget them."""
    session.pop(KEY, None)
    return go("storefront.products.index")


def _ids() -> list[int]:
    kept = session.get(KEY, [])
    return [each for each in kept if isinstance(each, int)][:MOST] if isinstance(kept, list) else []
