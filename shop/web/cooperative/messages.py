"""What a cooperative and the buyer of one of its parcels say to one another."""

from flask import Blueprint, flash, render_template
from flask_babel import gettext
from werkzeug.wrappers import Response

from shop.accounts.roles import Permission
from shop.acts.write_message import write_message
from shop.extensions import limiter
from shop.kit.clock import utc_now
from shop.kit.ids import ShipmentId
from shop.reports import cooperative_pages as pages
from shop.reports.conversation import ParcelThread, get_thread, read_conversation
from shop.voices.messages import mark_seen
from shop.voices.models import Side
from shop.web.current import needs, somebody
from shop.web.errors import go
from shop.web.message_form import MessageForm

blueprint = Blueprint("messages", __name__, url_prefix="/orders/<int(max=9223372036854775807):shipment_id>/messages")


@blueprint.get("")
@needs(Permission.COOPERATIVE)
def show(shipment_id: int) -> str:
    """What was said with this cooperative about this parcel; from now on it is seen."""
    return _page(get_thread(ShipmentId(shipment_id), somebody().cooperative_ids), MessageForm.blank())


@blueprint.post("")
@needs(Permission.COOPERATIVE)
@limiter.limit("30 per 5 minutes")
def write(shipment_id: int) -> Response | tuple[str, int]:
    """Answer, or speak first."""
    person = somebody()
    thread = get_thread(ShipmentId(shipment_id), person.cooperative_ids)
    form = MessageForm.typed()
    words = form.read(asks_whom=False)
    if words is None:
        return _page(thread, form), 422
    write_message(
        thread.order_number,
        words,
        side=Side.COOPERATIVE,
        cooperative_id=thread.cooperative_id,
        once=form.key,
        by=person.user_id,
        now=utc_now(),
    )
    flash(gettext("送到了，买家会收到信。"), "success")
    return go("cooperative.messages.show", shipment_id=thread.shipment_id)


def _page(thread: ParcelThread, form: MessageForm) -> str:
    told = read_conversation(thread.order_id, cooperative_id=thread.cooperative_id)
    cooperatives = pages.own_cooperatives(somebody().cooperative_ids)
    page = render_template("cooperative/messages/show.html", thread=thread, told=told, form=form, cooperatives=cooperatives)
    if told.last_id is not None:
        mark_seen(thread.order_id, Side.COOPERATIVE, cooperative_id=thread.cooperative_id, upto=told.last_id)
    return page
