"""My orders."""

from flask import Blueprint, render_template
from flask_babel import lazy_gettext

from shop.accounts.roles import Permission
from shop.kit.errors import NotFound
from shop.orders.states import OrderState
from shop.reports.my_orders import orders_of
from shop.web.current import needs, somebody
from shop.web.storefront.addresses import page_asked

blueprint = Blueprint("orders", __name__, url_prefix="/orders")

STATE_WORDS = {
    OrderState.AWAITING_PAYMENT: (lazy_gettext("等你付款"), "warning"),
    OrderState.PAID: (lazy_gettext("已付款，装箱中"), "due"),
    OrderState.PACKING: (lazy_gettext("一部分已寄出"), "due"),
    OrderState.SHIPPED: (lazy_gettext("在路上"), "due"),
    OrderState.DELIVERED: (lazy_gettext("已签收"), "done"),
    OrderState.COMPLETED: (lazy_gettext("完成"), "done"),
    OrderState.LAPSED: (lazy_gettext("没付款，作废"), ""),
    OrderState.CANCELLED: (lazy_gettext("取消了"), ""),
}


@blueprint.get("/")
@needs(Permission.SIGNED_IN)
def index() -> str:
    """The buyer's own orders, page by page."""
    found = orders_of(somebody().user_id, page=page_asked())
    if found.page > found.pages:
        raise NotFound
    return render_template("account/orders/index.html", found=found, state_words=STATE_WORDS)
