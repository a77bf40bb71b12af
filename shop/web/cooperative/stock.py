"""The shelves: one row per pack and lot, each a form of its own, so that saving one never fails for another's sake."""

from flask import Blueprint, flash, render_template, request
from flask_babel import gettext, lazy_gettext
from flask_wtf import FlaskForm
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
from shop.web.storefront.words import said, units

blueprint = Blueprint("stock", __name__, url_prefix="/stock")

QUICK_CHANGES = (-1, -5, 10, 20)
REASONS = (
    (Reason.PACKED.value, lazy_gettext("新装袋")),
    (Reason.RECOUNTED.value, lazy_gettext("点数更正")),
    (Reason.DAMAGED.value, lazy_gettext("破损")),
)


class CountForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """What somebody says of one row: a quick change or a figure, and why."""

    change = RadioField(
        lazy_gettext("改多少"), choices=[SelectChoice(str(change), signed(change)) for change in QUICK_CHANGES], validate_choice=False
    )
    count = UnitsField(lazy_gettext("直接写数"))
    why = RadioField(lazy_gettext("为什么"), choices=[SelectChoice(*reason) for reason in REASONS], validate_choice=False)
    seen = HiddenField()
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
        elif self.why.data and self.why.data not in set(Reason):
            refuse(self.why, gettext("从三个里选一个。"))
        elif not _is_whole(self.seen.data) or not is_key(self.once.data):
            refuse(self.change, gettext("这一行过时了，请刷新再记。"))
        return is_good and not (self.change.errors or self.count.errors or self.why.errors)

    @property
    def seen_units(self) -> int:
        """The figure that stood on the page."""
        return int(str(self.seen.data))

    def reason(self) -> Reason:
        """As chosen; without a choice more was packed, and less was found by counting."""
        if self.why.data:
            return Reason(self.why.data)
        return Reason.PACKED if self.change.data and int(self.change.data) > 0 else Reason.RECOUNTED

    def record(self, row: StockRow, by: UserId) -> Counted:
        """Do it."""
        now, once = utc_now(), self.once.data
        if self.count.data is None:
            return change_count(row.item_id, int(self.change.data), by=by, reason=self.reason(), once=once, now=now)
        return set_count(row.item_id, self.count.data, seen_free_units=self.seen_units, by=by, reason=self.reason(), once=once, now=now)

    def take_refusal(self, refusal: Exception, row: StockRow) -> None:
        """Say beside the field why it was refused."""
        place = self.change if self.count.data is None else self.count
        if isinstance(refusal, CountMoved):
            refuse(place, gettext("刚才有人改成 %(now)s。你写的还留着，看一眼再按一次「记下」。", now=refusal.now_units))
        elif isinstance(refusal, PackedTooMuch):
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


def _is_whole(text: str | None) -> bool:
    return bool(text) and str(text).isascii() and str(text).isdecimal() and len(str(text)) <= 9


@blueprint.get("")
@needs(Permission.COOPERATIVE)
def index() -> str:
    """Every row that can still change, the one whose figure is oldest first."""
    return _shelves()


@blueprint.post("/<int(max=9223372036854775807):item_id>")
@needs(Permission.COOPERATIVE)
def record(item_id: int) -> Response | tuple[str, int]:
    """Change the figure of one row."""
    person = somebody()
    row = pages.get_stock_row(ItemId(item_id), person.cooperative_ids)
    form, status = CountForm(), 422
    if form.validate_on_submit():
        try:
            counted = form.record(row, person.user_id)
        except (CountMoved, PackedTooMuch, NotEnoughToWriteOff, ReasonDoesNotFit, LotIsRecalled) as refusal:
            form.take_refusal(refusal, row)
            status = 409 if isinstance(refusal, Conflict) else 422
        else:
            _tell(counted, row, form)
            return go("cooperative.stock.index", _anchor=f"item-{item_id}")
    return _shelves(opened=row.item_id, form=form), status


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


def _shelves(opened: ItemId | None = None, form: CountForm | None = None) -> str:
    ids, now = somebody().cooperative_ids, utc_now()
    today = business_day(now)
    rows = pages.stock_rows(ids, today=today, also=opened)
    return render_template(
        "cooperative/stock/index.html",
        cooperatives=pages.own_cooperatives(ids),
        rows=rows,
        first_out=pages.first_out(rows, today=today),
        opened=opened,
        form=form,
        once=new_key(),
        changes=QUICK_CHANGES,
        reasons=REASONS,
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
