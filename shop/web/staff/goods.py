"""All goods: their photographs, labels, prices elsewhere and certificates."""

from flask import Blueprint

from shop.accounts.roles import Permission
from shop.web.goods_desk import Desk, add_photo_pages
from shop.web.goods_facts import add_fact_pages, add_mark_pages
from shop.web.goods_sale import add_decision_pages, add_sale_pages

blueprint = Blueprint("goods", __name__, url_prefix="/goods")

_desk = Desk("staff", Permission.GOODS, lambda: None)
add_photo_pages(blueprint, _desk)
add_fact_pages(blueprint, _desk)
add_mark_pages(blueprint, _desk)
add_sale_pages(blueprint, _desk)
add_decision_pages(blueprint, _desk)
