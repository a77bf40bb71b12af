"""A fapiao for an order, asked for after all or otherwise: for whoever holds the order's key or bought it."""

from flask import Blueprint, flash, render_template
from flask_babel import gettext
from werkzeug.wrappers import Response

from shop.accounts.roles import Permission
from shop.acts.ask_fapiao import ask_fapiao
from shop.kit.clock import utc_now
from shop.orders.errors import CannotMove
from shop.papers.fapiao import AlreadyDecided
from shop.papers.models import FapiaoKind, FapiaoState
from shop.reports.fapiao import FapiaoStory, find_fapiao
from shop.reports.order_story import Opened
from shop.web.current import needs, signed_in
from shop.web.errors import go
from shop.web.fapiao_form import FapiaoFields, check_fapiao
from shop.web.form import Form
from shop.web.storefront.addresses import opened_order

blueprint = Blueprint("fapiao", __name__, url_prefix="/orders/<number>/fapiao")


class FapiaoForm(FapiaoFields, Form):
    """Whom it is made out to."""


@blueprint.get("/")
@needs(Permission.ANYONE)
def show(number: str) -> str | Response:
    """The form, as it was filled in last."""
    opened = opened_order(number)
    known = find_fapiao(opened.id)
    if known and known.state is FapiaoState.ISSUED:
        return go("storefront.orders.show", number=opened.number, key=opened.key)
    person = signed_in()
    form = FapiaoForm(
        formdata=None,
        fapiao=known.kind.value if known else FapiaoKind.PERSON.value,
        fapiao_title=known.title if known else "",
        tax_number=(known.tax_number or "") if known else "",
        fapiao_email=known.email if known else (person.email or "") if person else "",
    )
    return _page(opened, form, known)


@blueprint.post("/")
@needs(Permission.ANYONE)
def ask(number: str) -> str | Response | tuple[str, int]:
    """Ask for it."""
    opened = opened_order(number)
    form = FapiaoForm()
    if form.fapiao.data not in set(FapiaoKind):
        form.fapiao.data = FapiaoKind.PERSON.value
    wanted = check_fapiao(form)
    if wanted is None:
        return _page(opened, form, find_fapiao(opened.id)), 422
    person = signed_in()
    try:
        ask_fapiao(opened.number, wanted, by=person.user_id if person else None, now=utc_now())
        flash(gettext("记下了。开好以后寄到 %(email)s，这一页也看得到。", email=wanted.email), "success")
    except AlreadyDecided:
        flash(gettext("发票刚刚已经开好了，要改请写信给我们。"), "warning")
    except CannotMove:
        flash(gettext("这一单没有成交，没有发票可开。"), "warning")
    return go("storefront.orders.show", number=opened.number, key=opened.key)


def _page(opened: Opened, form: FapiaoForm, known: FapiaoStory | None) -> str:
    return render_template("storefront/fapiao/show.html", opened=opened, form=form, known=known)
