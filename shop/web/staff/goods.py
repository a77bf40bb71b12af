"""All goods: their photographs, labels, prices elsewhere and certificates."""

from flask import Blueprint

from shop.accounts.roles import Permission
from shop.web.goods_desk import Desk, add_photo_pages

blueprint = Blueprint("goods", __name__, url_prefix="/goods")

add_photo_pages(blueprint, Desk("staff", Permission.GOODS, lambda: None))
