"""A cooperative's own goods: their photographs, labels and prices elsewhere."""

from flask import Blueprint

from shop.accounts.roles import Permission
from shop.web.current import somebody
from shop.web.goods_desk import Desk, add_photo_pages

blueprint = Blueprint("goods", __name__, url_prefix="/goods")

add_photo_pages(blueprint, Desk("cooperative", Permission.COOPERATIVE, lambda: somebody().cooperative_ids))
