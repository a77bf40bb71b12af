"""On which days of the week a cooperative hands its parcels to the carrier: from that, buyers are told about when theirs arrive."""

from collections.abc import Mapping

from flask import Blueprint, flash, render_template, request
from flask_babel import gettext
from werkzeug.wrappers import Response

from shop.accounts.roles import Permission
from shop.kit.clock import utc_now
from shop.kit.errors import NotFound
from shop.kit.ids import CooperativeId
from shop.origin.queries import shipping_days
from shop.origin.service import set_shipping_days
from shop.reports import cooperative_pages as pages
from shop.web.current import needs, somebody
from shop.web.errors import go

blueprint = Blueprint("shipping", __name__, url_prefix="/shipping")

_DAYS = "1234567"


@blueprint.get("/")
@needs(Permission.COOPERATIVE)
def show() -> str:
    """The days of each cooperative that the person works for."""
    return _page({})


@blueprint.post("/<int:cooperative_id>")
@needs(Permission.COOPERATIVE)
def change(cooperative_id: int) -> Response | tuple[str, int]:
    """Other days from now on; orders keep what their buyers were told."""
    person = somebody()
    chosen = next((own for own in person.cooperative_ids if own == cooperative_id), None)
    if chosen is None:
        raise NotFound
    days = "".join(day for day in _DAYS if day in request.form.getlist("day"))
    if not days:
        return _page({chosen: gettext("至少留一天。整个星期都不发货，就先把货下架。")}), 422
    set_shipping_days(chosen, days, by=person.user_id, now=utc_now())
    flash(gettext("记下了。从现在起下的单，按这几天算哪天到。"), "success")
    return go("cooperative.shipping.show")


def _page(errors: Mapping[CooperativeId, str]) -> str:
    """`errors`: what is wrong with the days of a cooperative, whose form then keeps what was ticked: nothing."""
    ids = somebody().cooperative_ids
    days = shipping_days(ids) | dict.fromkeys(errors, "")
    return render_template("cooperative/shipping/show.html", cooperatives=pages.own_cooperatives(ids), days=days, errors=errors)
