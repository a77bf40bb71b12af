"""What was said on an order, with whom; staff read it all and may speak in every thread."""

from flask import Blueprint, flash, render_template, request
from flask_babel import gettext
from werkzeug.wrappers import Response

from shop.accounts.roles import Permission
from shop.acts.write_message import write_message
from shop.kit.clock import utc_now
from shop.kit.ids import new_key
from shop.orders.errors import NoSuchOrder
from shop.reports.conversation import read_conversation, talkers_of
from shop.reports.order_story import OrderStory, get_story
from shop.voices.messages import mark_seen
from shop.voices.models import Side
from shop.web.current import needs, somebody
from shop.web.errors import go
from shop.web.message_form import STAFF, MessageForm
from shop.web.storefront.addresses import order_number

blueprint = Blueprint("messages", __name__, url_prefix="/orders/<number>/messages")


@blueprint.get("")
@needs(Permission.READ_ORDERS)
def show(number: str) -> str:
    """Every thread of the order; from now on it is seen, if whoever looks may answer."""
    story = _story(number)
    told = read_conversation(story.id)
    waits = told.waiting[-1] if told.waiting else None
    to = "" if waits is None else STAFF if waits.cooperative_id is None else str(waits.cooperative_id)
    return _page(story, MessageForm.blank(talkers_of(story.id), to=to or STAFF))


@blueprint.post("")
@needs(Permission.NOTE_ORDERS)
def write(number: str) -> Response | tuple[str, int]:
    """Say something to the buyer, in one of the threads; or that the buyer's last word wants no answer."""
    story = _story(number)
    form = MessageForm.typed(talkers_of(story.id))
    is_settling = request.form.get("do") == "settle"
    words = "" if is_settling and form.to.data in {choice.value for choice in form.to.choices} else form.read(asks_whom=True)
    if words is None:
        return _page(story, form), 422
    key = new_key() if is_settling else form.key
    write_message(story.number, words, side=Side.STAFF, cooperative_id=form.cooperative_id, once=key, by=somebody().user_id, now=utc_now())
    flash(gettext("记下了：不用再回。") if is_settling else gettext("送到了，买家会收到信。"), "success")
    return go("staff.messages.show", number=story.number)


def _story(number: str) -> OrderStory:
    story = get_story(order_number(number))
    if story.channel != "online":
        raise NoSuchOrder
    return story


def _page(story: OrderStory, form: MessageForm) -> str:
    told, person = read_conversation(story.id), somebody()
    page = render_template("staff/messages/show.html", story=story, told=told, form=form, may_write=person.may(Permission.NOTE_ORDERS))
    if told.last_id is not None and person.may(Permission.NOTE_ORDERS):
        mark_seen(story.id, Side.STAFF, upto=told.last_id)
    return page
