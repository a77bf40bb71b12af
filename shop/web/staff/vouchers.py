"""Vouchers: the list, the form that makes one, ending one."""

import re

from flask import Blueprint, flash, render_template
from flask_babel import gettext, lazy_gettext
from werkzeug.wrappers import Response
from wtforms import BooleanField, HiddenField, SelectField, StringField
from wtforms.fields.choices import SelectChoice

from shop.accounts.roles import Permission
from shop.kit.clock import business_day, utc_now
from shop.kit.ids import CategoryId, VillageId, VoucherId, new_key
from shop.kit.text import fold
from shop.offers.errors import CodeTaken
from shop.offers.models import VoucherKind
from shop.offers.service import Making, end_voucher, make_voucher
from shop.reports.vouchers import VoucherInList, bindings, list_vouchers
from shop.web.cooperative.fields import DayField, PercentField, UnitsField, YuanField, is_key, refuse
from shop.web.current import needs, somebody
from shop.web.errors import go
from shop.web.filters import percent_bp, yuan_sign
from shop.web.form import Form
from shop.web.storefront.words import said
from shop.web.typed import clean

blueprint = Blueprint("vouchers", __name__, url_prefix="/vouchers")

MOST_PERCENT = 90_00
"""Basis points: a voucher never gives goods away."""

_CODE = re.compile(r"[0-9A-Z]{3,20}", re.ASCII)


class VoucherForm(Form):
    """One voucher as staff write it down."""

    once = HiddenField()
    code = StringField(lazy_gettext("优惠码"))
    name = StringField(lazy_gettext("名称"))
    name_en = StringField(lazy_gettext("英文名称"))
    kind = SelectField(
        lazy_gettext("减多少"),
        choices=[
            SelectChoice(VoucherKind.FIXED.value, lazy_gettext("减一笔钱")),
            SelectChoice(VoucherKind.PERCENT.value, lazy_gettext("按比例减")),
        ],
        default=VoucherKind.FIXED.value,
        invalid_choice_message=lazy_gettext("没有这一项，请从单子里选。"),
    )
    amount = YuanField(lazy_gettext("减几元"))
    percent = PercentField(lazy_gettext("减百分之几"))
    most = YuanField(lazy_gettext("最多减几元"))
    minimum = YuanField(lazy_gettext("可用的货满几元"))
    bound = SelectField(lazy_gettext("哪些货可用"), default="", invalid_choice_message=lazy_gettext("没有这一项，请从单子里选。"))
    first_day = DayField(lazy_gettext("从哪天起"))
    last_day = DayField(lazy_gettext("到哪天止"))
    most_uses = UnitsField(lazy_gettext("一共几次"))
    most_per_buyer = UnitsField(lazy_gettext("每人几次"))
    is_stackable = BooleanField(lazy_gettext("能和别的优惠码一起用"))

    def validate(self, extra_validators: object = None) -> bool:
        """What is missing or does not go together, beside its field."""
        is_good = bool(super().validate(extra_validators))
        self.code.data = re.sub(r"[\s\-]+", "", fold(self.code.data or "")).upper()
        self.name.data = clean(self.name.data, most=40)
        self.name_en.data = clean(self.name_en.data, most=60)
        if not _CODE.fullmatch(self.code.data):
            refuse(self.code, gettext("3 到 20 位，只用字母和数字。"))
        if not self.name.data:
            refuse(self.name, gettext("写上名称，买家在订单上看到的就是它。"))
        self._check_worth()
        self._check_days()
        for field in (self.most_uses, self.most_per_buyer):
            if field.data == 0:
                refuse(field, gettext("至少 1 次；不限就空着。"))
        if not is_key(self.once.data):
            refuse(self.code, gettext("这张表单过时了，请刷新再填。"))
        return is_good and not any(field.errors for field in self)

    def _check_worth(self) -> None:
        if self.kind.data == VoucherKind.FIXED.value:
            if not self.amount.data and not self.amount.errors:
                refuse(self.amount, gettext("写减几元。"))
            elif self.amount.data and (self.minimum.data or 0) <= self.amount.data and not self.minimum.errors:
                refuse(self.minimum, gettext("要比减的 %(amount)s 多，货不能白送。", amount=yuan_sign(self.amount.data)))
        elif not self.percent.errors and not 0 < (self.percent.data or 0) <= MOST_PERCENT:
            refuse(self.percent, gettext("写 0.01 到 %(most)s。", most=MOST_PERCENT // 100))
        if self.most.data == 0:
            refuse(self.most, gettext("至少 0.01 元；不限就空着。"))

    def _check_days(self) -> None:
        for field in (self.first_day, self.last_day):
            if field.data is None and not field.errors:
                refuse(field, gettext("写上日子。"))
        if self.first_day.data and self.last_day.data and self.last_day.data < self.first_day.data:
            refuse(self.last_day, gettext("止日不能早于起日。"))

    def made(self) -> Making:
        """What was written."""
        assert self.first_day.data is not None and self.last_day.data is not None, "validate() has asked for them"
        kind = VoucherKind(self.kind.data)
        bound, _, key = str(self.bound.data).partition(":")
        return Making(
            code=str(self.code.data),
            name=str(self.name.data),
            name_en=str(self.name_en.data),
            kind=kind,
            worth=(self.amount.data if kind is VoucherKind.FIXED else self.percent.data) or 0,
            most_fen=self.most.data if kind is VoucherKind.PERCENT else None,
            minimum_fen=self.minimum.data or 0,
            village_id=VillageId(int(key)) if bound == "village" else None,
            category_id=CategoryId(int(key)) if bound == "category" else None,
            first_day=self.first_day.data,
            last_day=self.last_day.data,
            most_uses=self.most_uses.data,
            most_per_buyer=self.most_per_buyer.data,
            is_stackable=bool(self.is_stackable.data),
        )


def _form() -> VoucherForm:
    form = VoucherForm()
    villages, categories = bindings()
    form.bound.choices = [
        SelectChoice("", gettext("全部")),
        *(SelectChoice(f"village:{one.id}", gettext("只限%(name)s的", name=said(one.name, one.name_en))) for one in villages),
        *(SelectChoice(f"category:{one.id}", gettext("只限%(name)s", name=said(one.name, one.name_en))) for one in categories),
    ]
    return form


@blueprint.get("/")
@needs(Permission.READ_VOUCHERS)
def index() -> str:
    """All of them, with what they took off."""
    today, rows = business_day(utc_now()), list_vouchers()
    return render_template(
        "staff/vouchers/index.html",
        rows=[(row, promise(row), row.is_open(today)) for row in rows],
        today=today,
        given_fen=sum(row.given_fen for row in rows),
        may=somebody().may(Permission.MAKE_VOUCHERS),
    )


@blueprint.get("/new")
@needs(Permission.MAKE_VOUCHERS)
def new() -> str:
    """The form."""
    form = _form()
    form.once.data = new_key()
    form.first_day.type_in(business_day(utc_now()))
    return render_template("staff/vouchers/new.html", form=form)


@blueprint.post("/new")
@needs(Permission.MAKE_VOUCHERS)
def make() -> Response | tuple[str, int]:
    """Make it."""
    form = _form()
    if form.validate_on_submit():
        try:
            make_voucher(form.made(), once=f"form:{form.once.data}", by=somebody().user_id, now=utc_now())
        except CodeTaken:
            refuse(form.code, gettext("这个码已经有了，换一个。"))
        else:
            flash(gettext("%(code)s 做好了，买家可以用了。", code=form.code.data), "success")
            return go("staff.vouchers.index")
    return render_template("staff/vouchers/new.html", form=form), 422


@blueprint.post("/<int(max=9223372036854775807):voucher_id>/end")
@needs(Permission.MAKE_VOUCHERS)
def end(voucher_id: int) -> Response:
    """Nobody can use it from now on."""
    end_voucher(VoucherId(voucher_id), by=somebody().user_id, now=utc_now())
    flash(gettext("停用了。已经用上的订单不变。"), "success")
    return go("staff.vouchers.index")


def promise(row: VoucherInList) -> str:
    """What it promises, in one sentence."""
    worth = yuan_sign(row.worth) if row.kind is VoucherKind.FIXED else percent_bp(row.worth)
    words = [gettext("减 %(worth)s", worth=worth)]
    if row.minimum_fen:
        words.append(gettext("满 %(minimum)s 可用", minimum=yuan_sign(row.minimum_fen)))
    if row.most_fen:
        words.append(gettext("最多减 %(most)s", most=yuan_sign(row.most_fen)))
    if row.most_per_buyer:
        words.append(gettext("每人 %(most)s 次", most=row.most_per_buyer))
    words.append(gettext("可叠加") if row.is_stackable else gettext("不叠加"))
    return str(gettext("，").join(words))
