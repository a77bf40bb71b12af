"""What the buyer and the sellers of an order say to one another: for whoever holds the order's key or bought it."""

from flask import Blueprint, flash, render_template
from flask_babel import gettext
from werkzeug.wrappers import Response

from shop.accounts.roles import Permission
from shop.acts.write_message import write_message
from shop.extensions import limiter
from shop.kit.clock import utc_now
from shop.reports.conversation import read_conversation, talkers_of
from shop.reports.order_story import Opened
from shop.voices.errors import TooManyMessages
from shop.voices.messages import mark_seen
from shop.voices.models import Side
from shop.web.current import needs, signed_in
from shop.web.errors import go
from shop.web.message_form import MessageForm
from shop.web.storefront.addresses import opened_order

blueprint = Blueprint("messages", __name__, url_prefix="/orders/<number>/messages")


@blueprint.get("")
@needs(Permission.ANYONE)
def show(number: str) -> str:
    """Everything that was said; from now on it is seen."""
    opened = opened_order(number)
    return _page(opened, MessageForm.blank(talkers_of(opened.id)))


@blueprint.post("")
@needs(Permission.ANYONE)
@limiter.limit("12 per 5 minutes")
def write(number: str) -> Response | tuple[str, int]:
    """Say something to a cooperative of the order, or to the staff."""
    opened = opened_order(number)
    form = MessageForm.typed(talkers_of(opened.id))
    words = form.read(asks_whom=True)
    if words is None:
        return _page(opened, form), 422
    person, now = signed_in(), utc_now()
    try:
        write_message(
            opened.number,
            words,
            side=Side.BUYER,
            cooperative_id=form.cooperative_id,
            once=form.key,
            by=person.user_id if person else None,
            now=now,
        )
    except TooManyMessages:
        form.words.errors = [gettext("今天在这一单上说了很多，明天再写；急的话打客服电话。")]
        return _page(opened, form), 422
    flash(gettext("送到了。有了回话会写信给你，这一页也看得到。"), "success")
    return go("storefront.messages.show", number=opened.number, key=opened.key)


def _page(opened: Opened, form: MessageForm) -> str:
    told = read_conversation(opened.id)
    page = render_template("storefront/messages/show.html", opened=opened, told=told, form=form)
    if told.last_id is not None:
        mark_seen(opened.id, Side.BUYER, upto=told.last_id)
    return page
