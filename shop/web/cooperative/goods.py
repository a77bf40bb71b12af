"""A cooperative's own goods: their photographs, labels and prices elsewhere."""

from flask import Blueprint

from shop.accounts.roles import Permission
from shop.web.current import somebody
from shop.web.goods_desk import Desk, add_photo_pages
from shop.web.goods_facts import add_fact_pages
from shop.web.goods_sale import add_draft_pages, add_sale_pages

blueprint = Blueprint("goods", __name__, url_prefix="/goods")

_desk = Desk("cooperative", Permission.COOPERATIVE, lambda: somebody().cooperative_ids)
add_photo_pages(blueprint, _desk)
add_fact_pages(blueprint, _desk)
add_sale_pages(blueprint, _desk)
add_draft_pages(blueprint, _desk)
