"""Letters to whoever wished to hear that something is back: their subject is `wish:<id>`."""

from config import Config
from shop.kit.ids import WishId
from shop.messages.kinds import Values
from shop.outbox.service import ClaimedLetter
from shop.reports.goods_pages import product_of
from shop.voices.wishes import find_wish


def back_in_stock(letter: ClaimedLetter, config: Config) -> Values | None:
    """The product can be bought again. Nothing, when the wish was taken back meanwhile."""
    wished = find_wish(WishId(int(str(letter.facts["wish_id"]))))
    if wished is None or wished.ended_at is not None:
        return None
    product = product_of(wished.product_id)
    return {
        "product": product.name_en if letter.locale == "en" and product.name_en else product.name,
        "link": f"{config.public_url}/products/{product.slug}",
        "ending": f"{config.public_url}/wishes/{wished.id}?key={wished.key(config.secret_key)}",
    }
