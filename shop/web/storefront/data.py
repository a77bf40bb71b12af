"""A guest's data: what is known from one order, as a file, and being forgotten. Opens for the order's key alone.

Orders of people with an account are theirs; whoever has their key is sent to `shop/web/account/data.py`, which asks who it is.
"""

from flask import Blueprint, flash, render_template, request
from flask_babel import gettext, lazy_gettext
from werkzeug.wrappers import Response
from wtforms import StringField

from shop.accounts.roles import Permission
from shop.acts.personal_data import (
    THINK_IT_OVER,
    NotForgottenYet,
    Person,
    ask_to_be_forgotten,
    copy_of,
    find_asked,
    open_matters,
    stay,
)
from shop.extensions import limiter
from shop.kit.clock import utc_now
from shop.kit.phones import find_mobile
from shop.reports.order_story import Opened, find_key, open_order
from shop.web.current import needs, settings
from shop.web.errors import go
from shop.web.form import Form
from shop.web.personal_words import copy_file, said_matters
from shop.web.storefront.addresses import order_number

blueprint = Blueprint("data", __name__, url_prefix="/orders/<number>/data")


class ForgetForm(Form):
    """Being forgotten asks for what is on the parcel, not only for the link, which may have been forwarded."""

    phone = StringField(lazy_gettext("收货手机号"))


@blueprint.get("")
@needs(Permission.ANYONE)
def show(number: str) -> Response | str:
    """What is known from this order, and what can be done about it."""
    opened = _open(number)
    return _page(opened, ForgetForm(formdata=None)) if opened.buyer_id is None else go("account.data.show")


@blueprint.get("/copy.zip")
@needs(Permission.ANYONE)
@limiter.limit("6 per hour")
def copy(number: str) -> Response:
    """Everything, machine-readable."""
    opened = _open(number)
    if opened.buyer_id is not None:
        return go("account.data.show")
    return copy_file(copy_of(Person(order_id=opened.id), instance_path=settings().instance_path, now=utc_now()), opened.number)


@blueprint.post("/forget")
@needs(Permission.ANYONE)
@limiter.limit("10 per 5 minutes")
def forget(number: str) -> Response | str | tuple[str, int]:
    """Ask to be forgotten; nothing is emptied before the time to think it over has passed."""
    opened, form = _open(number), ForgetForm()
    if opened.buyer_id is not None:
        return go("account.data.show")
    phone = find_mobile(form.phone.data or "")
    if phone is None or find_key(opened.number, phone) is None:
        form.phone.errors = [gettext("和这一单的收货手机号对不上，什么都没有改动。")]
        return _page(opened, form), 422
    try:
        asked = ask_to_be_forgotten(Person(order_id=opened.id), now=utc_now())
        flash(gettext("记下了。%(days)s 天以后删，在那以前随时可以改主意。", days=(asked.due_at - asked.asked_at).days), "success")
    except NotForgottenYet:
        flash(gettext("还不能删，原因在下面。"), "warning")
    return go("storefront.data.show", number=opened.number, key=opened.key)


@blueprint.post("/stay")
@needs(Permission.ANYONE)
def keep(number: str) -> Response:
    """Think better of it."""
    opened = _open(number)
    if opened.buyer_id is not None:
        return go("account.data.show")
    stay(Person(order_id=opened.id), now=utc_now())
    flash(gettext("不删了，一切照旧。"), "success")
    return go("storefront.data.show", number=opened.number, key=opened.key)


def _open(number: str) -> Opened:
    return open_order(order_number(number), key=request.args.get("key", ""), buyer_id=None)


def _page(opened: Opened, form: ForgetForm) -> str:
    person = Person(order_id=opened.id)
    return render_template(
        "storefront/data/show.html",
        form=form,
        opened=opened,
        asked=find_asked(person),
        matters=said_matters(open_matters(person)),
        days=THINK_IT_OVER.days,
    )
