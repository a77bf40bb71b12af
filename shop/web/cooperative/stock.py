"""The shelves: one row per pack and lot, each a form of its own, so that saving one never fails for another's sake.

Law: whoever writes a figure has seen the one before; if that is no longer so, both are shown and a person chooses. What a telephone keeps
while there is no line (`static/js/stock-worker.js`) is sent here as the form would have been, with the same key.
"""

from datetime import UTC, datetime
from enum import StrEnum

from flask import Blueprint, current_app, flash, jsonify, render_template, request, send_from_directory, url_for
from flask_babel import gettext, lazy_gettext
from flask_wtf.csrf import generate_csrf
from werkzeug.wrappers import Response
from wtforms import HiddenField, RadioField
from wtforms.fields.choices import SelectChoice

from shop.accounts.roles import Permission
from shop.kit.clock import business_day, utc_now
from shop.kit.errors import Conflict
from shop.kit.ids import ItemId, UserId, new_key
from shop.reports import cooperative_pages as pages
from shop.reports.cooperative_pages import StockRow
from shop.stock.errors import CountMoved, LotIsRecalled, NotEnoughToWriteOff, PackedTooMuch, ReasonDoesNotFit
from shop.stock.service import Counted, Reason, change_count, set_count
from shop.web.cooperative.fields import UnitsField, is_key, refuse
from shop.web.cooperative.words import signed
from shop.web.current import needs, somebody
from shop.web.errors import go
from shop.web.filters import weight
from shop.web.form import Form
from shop.web.storefront.words import said, units

blueprint = Blueprint("stock", __name__, url_prefix="/stock")

QUICK_CHANGES = (-1, -5, 10, 20)
_FEW_ROWS = 6
"""Among so many rows the eye finds its own; above it products are picked by their picture first."""
_MOST_BETWEEN = 5
"""So many of the changes that came between are listed."""


class Way(StrEnum):
    """What a written figure means."""

    ALL = "all"
    """So many there are."""
    MORE = "more"
    LESS = "less"


WAYS = (
    (Way.ALL.value, lazy_gettext("一共有")),
    (Way.MORE.value, lazy_gettext("多出来")),
    (Way.LESS.value, lazy_gettext("少了")),
)
REASONS = (
    (Reason.PACKED.value, lazy_gettext("新装袋")),
    (Reason.RECOUNTED.value, lazy_gettext("点数更正")),
    (Reason.DAMAGED.value, lazy_gettext("破损")),
)


class CountForm(Form):
    """What somebody says of one row: a quick change or a figure, absolute or relative, and why."""

    change = RadioField(
        lazy_gettext("改多少"), choices=[SelectChoice(str(change), signed(change)) for change in QUICK_CHANGES], validate_choice=False
    )
    count = UnitsField(lazy_gettext("直接写数"))
    way = RadioField(choices=[SelectChoice(*way) for way in WAYS], validate_choice=False)
    why = RadioField(lazy_gettext("为什么"), choices=[SelectChoice(*reason) for reason in REASONS], validate_choice=False)
    seen = HiddenField()
    at = HiddenField()
    once = HiddenField()

    def validate(self, extra_validators: object = None) -> bool:
        """Exactly one of change and figure; a reason may be left to the sign of the change."""
        is_good = bool(super().validate(extra_validators))
        if self.count.errors:
            return False
        if self.change.data and self.change.data not in {str(change) for change in QUICK_CHANGES}:
            refuse(self.change, gettext("从四个里选一个，或者直接写数。"))
        elif self.change.data and self.count.data is not None:
            refuse(self.count, gettext("「改多少」和「直接写数」只能用一样，清掉一样再记。"))
        elif not self.change.data and self.count.data is None:
            refuse(self.change, gettext("选改多少，或者直接写数。"))
        elif self.way.data and self.way.data not in set(Way):
            refuse(self.count, gettext("从三个里选一个。"))
        elif self.is_relative and self.count.data == 0:
            refuse(self.count, gettext("多了少了都要写一个大于 0 的数。"))
        elif self.why.data and self.why.data not in set(Reason):
            refuse(self.why, gettext("从三个里选一个。"))
        elif not _is_whole(self.seen.data) or not is_key(self.once.data):
            refuse(self.change, gettext("这一行过时了，请刷新再记。"))
        return is_good and not (self.change.errors or self.count.errors or self.why.errors)

    @property
    def seen_units(self) -> int:
        """The figure that stood on the page."""
        return int(str(self.seen.data))

    @property
    def seen_at(self) -> datetime | None:
        """When that page was drawn, if the form still says so."""
        return datetime.fromtimestamp(int(str(self.at.data)), UTC) if _is_whole(self.at.data, digits=11) else None

    @property
    def is_relative(self) -> bool:
        """Whether the written figure is a difference."""
        return self.count.data is not None and self.way.data in (Way.MORE, Way.LESS)

    @property
    def change_units(self) -> int | None:
        """By how much; None: the figure is what is there."""
        if self.count.data is None:
            return int(self.change.data)
        return {Way.MORE: self.count.data, Way.LESS: -self.count.data}.get(self.way.data)

    def reason(self) -> Reason:
        """As chosen; without a choice more was packed, and less was found by counting."""
        if self.why.data:
            return Reason(self.why.data)
        return Reason.PACKED if (self.change_units or 0) > 0 else Reason.RECOUNTED

    def record(self, row: StockRow, by: UserId) -> Counted:
        """Do it."""
        now, once, change = utc_now(), self.once.data, self.change_units
        if change is not None:
            return change_count(row.item_id, change, by=by, reason=self.reason(), once=once, now=now)
        assert self.count.data is not None, "either a change or a figure"
        return set_count(row.item_id, self.count.data, seen_free_units=self.seen_units, by=by, reason=self.reason(), once=once, now=now)

    def take_refusal(self, refusal: Exception, row: StockRow) -> None:
        """Say beside the field why it was refused."""
        place = self.change if self.count.data is None else self.count
        if isinstance(refusal, PackedTooMuch):
            words = {"produced": weight(refusal.produced_grams), "room": units(row.room_units, row.unit_word)}
            refuse(place, gettext("这批收了 %(produced)s，装不下这么多：最多再装 %(room)s。", **words))
        elif isinstance(refusal, NotEnoughToWriteOff):
            refuse(place, gettext("能减的只有 %(units)s。", units=units(refusal.free_units, row.unit_word)))
        elif isinstance(refusal, LotIsRecalled):
            refuse(place, gettext("这一批已经召回，不能再装。"))
        elif self.reason() is Reason.PACKED:
            refuse(self.why, gettext("新装袋只会变多。要减，选「点数更正」或「破损」。"))
        else:
            refuse(self.why, gettext("破损只会变少。要加，选「新装袋」或「点数更正」。"))


def _is_whole(text: str | None, *, digits: int = 9) -> bool:
    return bool(text) and str(text).isascii() and str(text).isdecimal() and len(str(text)) <= digits


@blueprint.get("")
@needs(Permission.COOPERATIVE)
def index() -> str:
    """Every row that can still change, the one whose figure is oldest first; or those of one product, whose picture was picked."""
    return _shelves(product=request.args.get("product", ""))


@blueprint.post("/<int(max=9223372036854775807):item_id>")
@needs(Permission.COOPERATIVE)
def record(item_id: int) -> Response | tuple[str, int]:
    """Change the figure of one row. A telephone that sends what it has kept asks for JSON and hears where to go on."""
    person = somebody()
    row = pages.get_stock_row(ItemId(item_id), person.cooperative_ids)
    form, status = CountForm(), 422
    if form.validate_on_submit():
        try:
            counted = form.record(row, person.user_id)
        except CountMoved:
            return _both_figures(pages.get_stock_row(row.item_id, person.cooperative_ids), form), 409
        except (PackedTooMuch, NotEnoughToWriteOff, ReasonDoesNotFit, LotIsRecalled) as refusal:
            form.take_refusal(refusal, row)
            status = 409 if isinstance(refusal, Conflict) else 422
        else:
            _tell(counted, row, form)
            if request.accept_mimetypes.best == "application/json":
                return jsonify(href=url_for("cooperative.stock.index", _anchor=f"item-{item_id}"))
            return go("cooperative.stock.index", _anchor=f"item-{item_id}")
    return _shelves(opened=row.item_id, form=form), status


def _both_figures(row: StockRow, form: CountForm) -> str:
    """What stands there now beside what was counted, and what came between: a person chooses."""
    assert form.count.data is not None, "only a figure can meet another"
    difference = form.count.data - form.seen_units
    return render_template(
        "cooperative/stock/conflict.html",
        cooperatives=pages.own_cooperatives(somebody().cooperative_ids),
        row=row,
        counted=form.count.data,
        seen=form.seen_units,
        difference=difference,
        moved=row.free_units + difference,
        between=pages.movements_since(row.item_id, form.seen_at, most=_MOST_BETWEEN) if form.seen_at else (),
        chosen_why=form.why.data or "",
        keys=(new_key(), new_key()),
        now=utc_now(),
    )


@blueprint.get("/token")
@needs(Permission.COOPERATIVE)
def token() -> Response:
    """For a telephone that sends what it has kept: a token of the present session, and whose it is."""
    return jsonify(token=generate_csrf(), me=str(somebody().user_id))


@blueprint.get("/worker.js")
@needs(Permission.COOPERATIVE)
def worker() -> Response:
    """The script that keeps changes while there is no line; it may look after the shelves' addresses alone."""
    answer = send_from_directory(str(current_app.static_folder), "js/stock-worker.js", mimetype="text/javascript")
    answer.headers["Service-Worker-Allowed"] = url_for("cooperative.stock.index")
    return answer


@blueprint.get("/<int(max=9223372036854775807):item_id>/history")
@needs(Permission.COOPERATIVE)
def history(item_id: int) -> str:
    """Where this row's units came from and went."""
    ids = somebody().cooperative_ids
    row = pages.get_stock_row(ItemId(item_id), ids)
    return render_template(
        "cooperative/stock/history.html",
        cooperatives=pages.own_cooperatives(ids),
        row=row,
        listed=pages.movements_of_item(row.item_id, page=request.args.get("page", 1, type=int)),
        now=utc_now(),
    )


def _shelves(opened: ItemId | None = None, form: CountForm | None = None, product: str = "") -> str:
    ids, now = somebody().cooperative_ids, utc_now()
    today = business_day(now)
    every = pages.stock_rows(ids, today=today, also=opened)
    products = pages.products_of(every)
    rows = [row for row in every if row.product_slug == product] or every
    return render_template(
        "cooperative/stock/index.html",
        cooperatives=pages.own_cooperatives(ids),
        rows=rows,
        products=products if len(every) > _FEW_ROWS and len(products) > 1 else (),
        chosen=product if len(rows) < len(every) else "",
        first_out=pages.first_out(every, today=today),
        opened=opened or (rows[0].item_id if len(rows) < len(every) else None),
        form=form,
        once=new_key(),
        changes=QUICK_CHANGES,
        reasons=REASONS,
        ways=WAYS,
        now=now,
        today=today,
    )


def _tell(counted: Counted, row: StockRow, form: CountForm) -> None:
    words = {
        "product": said(row.product_name, row.product_name_en),
        "pack": said(row.pack, row.pack_en),
        "code": row.lot_code,
        "before": counted.free_before,
        "after": units(counted.free_after, row.unit_word),
    }
    if counted.is_repeat:
        flash(gettext("这一张已经记过了，没有再记第二次：%(code)s 是 %(before)s → %(after)s。", **words), "info")
    elif counted.free_before != form.seen_units:
        flash(
            gettext("刚才有人改成 %(before)s。你的改动也记下了：%(product)s %(pack)s，%(code)s，现在 %(after)s。", **words),
            "warning",
        )
    elif counted.free_before == counted.free_after:
        flash(gettext("点过了，一样是 %(after)s：%(product)s %(pack)s，%(code)s。", **words), "success")
    else:
        flash(gettext("记下了：%(product)s %(pack)s，%(code)s，%(before)s → %(after)s。", **words), "success")
