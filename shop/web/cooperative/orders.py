"""Parcels: what to take from which lot, for whom; sent with a carrier and a number."""

import re

from flask import Blueprint, flash, render_template, request
from flask_babel import gettext, lazy_gettext
from werkzeug.wrappers import Response
from wtforms import SelectField, StringField
from wtforms.fields.choices import SelectChoice

from shop.accounts.roles import Permission
from shop.acts.ship_parcel import ship_parcel
from shop.kit.clock import business_day, utc_now
from shop.kit.ids import ShipmentId
from shop.kit.text import fold
from shop.reports import cooperative_pages as pages
from shop.reports.conversation import new_by_parcel
from shop.shipping.carriers import CARRIER_PAGES
from shop.shipping.errors import AlreadyOnItsWay
from shop.shipping.states import ShipmentState
from shop.stock.errors import LotIsRecalled
from shop.web.cooperative.fields import refuse
from shop.web.current import needs, somebody
from shop.web.errors import go
from shop.web.form import Form

blueprint = Blueprint("orders", __name__, url_prefix="/orders")

CARRIERS = tuple(CARRIER_PAGES)
STATES = (ShipmentState.TO_PACK, ShipmentState.SHIPPED, ShipmentState.DELIVERED)
_TRACKING_NUMBER = re.compile(r"[A-Z0-9-]{6,40}")


class ShipForm(Form):
    """With whom a parcel left, and under which number."""

    carrier = SelectField(
        lazy_gettext("快递"),
        choices=[SelectChoice("", lazy_gettext("选快递公司")), *(SelectChoice(name) for name in CARRIERS)],
        validate_choice=False,
    )
    tracking_number = StringField(lazy_gettext("运单号"))

    def validate(self, extra_validators: object = None) -> bool:
        """A carrier we know, and a number that could be theirs."""
        is_good = bool(super().validate(extra_validators))
        if self.carrier.data not in CARRIERS:
            refuse(self.carrier, gettext("选一家快递公司。"))
        if not self.clean_number:
            refuse(self.tracking_number, gettext("写上运单号。"))
        elif not _TRACKING_NUMBER.fullmatch(self.clean_number):
            refuse(self.tracking_number, gettext("运单号只有字母和数字，6 到 40 位，照着面单抄。"))
        return is_good and not (self.carrier.errors or self.tracking_number.errors)

    @property
    def clean_number(self) -> str:
        """Folded, in capitals, without the spaces people put between groups."""
        return re.sub(r"\s+", "", fold(self.tracking_number.data or "")).upper()


@blueprint.get("/")
@needs(Permission.COOPERATIVE)
def index() -> str:
    """Parcels to pack, on their way, arrived."""
    wanted = request.args.get("state", "")
    return _parcel_list(ShipmentState(wanted) if wanted in STATES else ShipmentState.TO_PACK)


@blueprint.post("/<int(max=9223372036854775807):shipment_id>/ship")
@needs(Permission.COOPERATIVE)
def ship(shipment_id: int) -> Response | tuple[str, int]:
    """The parcel is with its carrier."""
    person = somebody()
    parcel = pages.get_parcel(ShipmentId(shipment_id), person.cooperative_ids)
    form = ShipForm()
    if not form.validate_on_submit():
        return _parcel_list(ShipmentState.TO_PACK, opened=parcel.shipment_id, form=form), 422
    try:
        ship_parcel(parcel.shipment_id, carrier=form.carrier.data, tracking_number=form.clean_number, by=person.user_id, now=utc_now())
    except AlreadyOnItsWay:
        flash(gettext("订单 %(number)s 的包裹刚才已经有人记成发出了，没有再记。", number=parcel.order_number), "warning")
    except LotIsRecalled:
        flash(gettext("没有记：订单 %(number)s 里有召回的批次，别寄。工作人员退了款才能再寄别的。", number=parcel.order_number), "wrong")
    else:
        flash(
            gettext(
                "订单 %(number)s 已发出：%(carrier)s %(code)s。买家会收到通知。",
                number=parcel.order_number,
                carrier=form.carrier.data,
                code=form.clean_number,
            ),
            "success",
        )
    return go("cooperative.orders.index")


def _parcel_list(state: ShipmentState, opened: ShipmentId | None = None, form: ShipForm | None = None) -> str:
    ids, now = somebody().cooperative_ids, utc_now()
    counts = pages.count_parcels(ids)
    return render_template(
        "cooperative/orders/index.html",
        cooperatives=pages.own_cooperatives(ids),
        counts=counts,
        state=state,
        listed=pages.parcels(ids, state, total=counts[state], page=request.args.get("page", 1, type=int)),
        take=pages.to_take(ids) if state is ShipmentState.TO_PACK else (),
        new_messages=new_by_parcel(ids),
        opened=opened,
        form=form,
        carriers=CARRIERS,
        now=now,
        today=business_day(now),
    )
