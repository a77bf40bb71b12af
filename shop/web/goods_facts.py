"""What is written down of goods besides photographs: the label in its two forms, prices elsewhere, marks with their certificates."""

import re
from datetime import timedelta

from flask import Blueprint, flash
from flask_babel import gettext, lazy_gettext
from werkzeug.wrappers import Response
from wtforms import BooleanField, RadioField, SelectField, StringField
from wtforms.fields.choices import SelectChoice

from shop.catalog.errors import YieldReversed
from shop.catalog.labels import (
    NUTRIENTS,
    SHOWN_FOR,
    DaysReversed,
    Label,
    MarkOverlaps,
    NotYet,
    Nutrition,
    find_label,
    give_mark,
    is_licence,
    marks_of,
    note_price,
    prices_elsewhere,
    set_label,
    take_price_away,
    withdraw_mark,
)
from shop.catalog.models import LabelKind, MarkKind, NetUnit
from shop.catalog.queries import SkuFacts, packs_of
from shop.catalog.service import set_yield, yield_of
from shop.kit.clock import business_day, utc_now
from shop.kit.ids import MarkId, PriceElsewhereId
from shop.reports.goods_pages import GoodsRow
from shop.web.cooperative.fields import DayField, TypedField, UnitsField, YuanField, refuse
from shop.web.current import needs, somebody
from shop.web.form import Form
from shop.web.goods_desk import ID, Desk
from shop.web.goods_words import LABEL_KINDS, MARK_KINDS, NUTRIENT_WORDS, nutrient
from shop.web.typed import clean

_DECIMAL = re.compile(r"([0-9]{1,4})(?:\.([0-9]{1,3}))?")
MOST_KJ = 3800
"""In 100 g: pure fat has 3700."""
MOST_MG = 100_000


class NutrientField(TypedField[int]):
    """A figure of the nutrition table, in the unit that the label prints, kept in milligrams or kilojoules."""

    def read(self, text: str) -> int:
        """`7.4` grams → 7400, `1460` kilojoules as they are."""
        match = _DECIMAL.fullmatch(text)
        if match is None:
            raise ValueError(gettext("写一个数，比如 7.4。"))
        is_whole = self.short_name in ("energy_kj", "sodium_mg")
        if is_whole and match[2]:
            raise ValueError(gettext("写一个整数，比如 43。"))
        value = int(match[1]) if is_whole else int(match[1]) * 1000 + int((match[2] or "").ljust(3, "0"))
        if value > (MOST_KJ if self.short_name == "energy_kj" else MOST_MG):
            raise ValueError(gettext("100 g 里不会有这么多。"))
        return value

    def write(self, value: int) -> str:
        """As it is printed."""
        return nutrient(value, self.short_name)


class LabelForm(Form):
    """A product's label, whole."""

    kind = RadioField(lazy_gettext("哪一种标签"), choices=[SelectChoice(kind.value, words) for kind, words in LABEL_KINDS.items()])
    name = StringField(lazy_gettext("食品名称"))
    ingredients = StringField(lazy_gettext("配料"))
    allergens = StringField(lazy_gettext("致敏物质"))
    producer = StringField(lazy_gettext("生产者"))
    producer_address = StringField(lazy_gettext("生产者地址"))
    producer_contact = StringField(lazy_gettext("联系电话"))
    licence = StringField(lazy_gettext("食品生产许可证编号"))
    standard = StringField(lazy_gettext("产品标准代号"))
    storage = StringField(lazy_gettext("贮存条件"))
    shelf_life_days = UnitsField(lazy_gettext("保质期（天）"))
    energy_kj = NutrientField(NUTRIENT_WORDS["energy_kj"])
    protein_mg = NutrientField(NUTRIENT_WORDS["protein_mg"])
    fat_mg = NutrientField(NUTRIENT_WORDS["fat_mg"])
    saturated_fat_mg = NutrientField(NUTRIENT_WORDS["saturated_fat_mg"])
    carbohydrate_mg = NutrientField(NUTRIENT_WORDS["carbohydrate_mg"])
    sugars_mg = NutrientField(NUTRIENT_WORDS["sugars_mg"])
    sodium_mg = NutrientField(NUTRIENT_WORDS["sodium_mg"])
    is_sample = BooleanField(lazy_gettext("还是示例，不是真标签"))

    _LONGEST = {
        "name": 60,
        "ingredients": 200,
        "allergens": 120,
        "producer": 80,
        "producer_address": 120,
        "producer_contact": 60,
        "licence": 40,
        "standard": 60,
        "storage": 60,
    }

    def validate(self, extra_validators: object = None) -> bool:
        """Whole, by the rules of its kind."""
        is_good = bool(super().validate(extra_validators))
        for name, most in self._LONGEST.items():
            self[name].data = clean(self[name].data, most=most)
        if not self.shelf_life_days.data and not self.shelf_life_days.errors:
            refuse(self.shelf_life_days, gettext("写上保质期有多少天。"))
        if self.kind.data in set(LabelKind):
            self._whole(LabelKind(self.kind.data))
        given = [self[name] for name in NUTRIENTS if self[name].data is not None]
        if given and len(given) < len(NUTRIENTS):
            for name in NUTRIENTS:
                if self[name].data is None and not self[name].errors:
                    refuse(self[name], gettext("营养成分要么七项都写，要么都不写。"))
        return is_good and not any(field.errors for field in self)

    def _whole(self, kind: LabelKind) -> None:
        for name in self.label(kind).missing:
            refuse(self[name], gettext("这一项标签上必须有。"))
        if kind is LabelKind.PREPACKAGED and str(self.licence.data).startswith("SC") and not is_licence(str(self.licence.data)):
            refuse(self.licence, gettext("SC 后面是十四位数字；小作坊写登记证编号。"))
        if kind is LabelKind.PRODUCE and self.licence.data:
            refuse(self.licence, gettext("食用农产品没有生产许可证；有许可证的选“预包装食品”。"))

    def label(self, kind: LabelKind) -> Label:
        """As it was typed."""
        words = {name: str(self[name].data or "") for name in self._LONGEST}
        figures = {name: self[name].data for name in NUTRIENTS}
        return Label(
            **words,
            kind=kind,
            shelf_life_days=self.shelf_life_days.data or 0,
            nutrition=None if None in figures.values() else Nutrition(**figures),
            is_sample=bool(self.is_sample.data),
        )

    @classmethod
    def of(cls, goods: GoodsRow, label: Label | None) -> "LabelForm":
        """With what is written down, or what is known already."""
        if label is None:
            return cls(
                formdata=None,
                name=goods.name,
                producer=goods.cooperative or "",
                storage=goods.storage,
                shelf_life_days=goods.shelf_life_days,
                is_sample=goods.is_sample,
            )
        form = cls(formdata=None, data={**vars(label), "kind": label.kind.value, "nutrition": None})
        for name in NUTRIENTS:
            form[name].data = getattr(label.nutrition, name) if label.nutrition else None
        return form


class PriceForm(Form):
    """What the like costs elsewhere."""

    what = StringField(lazy_gettext("比的是什么"))
    price = YuanField(lazy_gettext("那边卖多少（元）"))
    net_value = UnitsField(lazy_gettext("那一份有多少"))
    source = StringField(lazy_gettext("哪里看到的"))
    seen_on = DayField(lazy_gettext("哪天看到的"))

    def validate(self, extra_validators: object = None) -> bool:
        """Everything is said."""
        is_good = bool(super().validate(extra_validators))
        self.what.data, self.source.data = clean(self.what.data, most=80), clean(self.source.data, most=160)
        for field, words in (
            (self.what, gettext("写清楚比的是什么，比如“某东北大米 5 kg 袋装”。")),
            (self.source, gettext("写上来源：没有来源的价不能给人看。")),
        ):
            if not field.data:
                refuse(field, words)
        for typed, words in (
            (self.price, gettext("写元，比如 128 或 128.50。")),
            (self.net_value, gettext("写一个整数，比如 43。")),
            (self.seen_on, gettext("写上日子。")),
        ):
            if not typed.data and not typed.errors:
                refuse(typed, words)
        return is_good and not any(field.errors for field in self)


class MarkForm(Form):
    """A mark with its certificate."""

    kind = SelectField(lazy_gettext("标志"), choices=[SelectChoice(kind.value, words) for kind, words in MARK_KINDS.items()])
    number = StringField(lazy_gettext("证书编号"))
    issuer = StringField(lazy_gettext("发证单位"))
    first_day = DayField(lazy_gettext("从哪天起"))
    last_day = DayField(lazy_gettext("到哪天止"))

    def validate(self, extra_validators: object = None) -> bool:
        """Nothing is missing."""
        is_good = bool(super().validate(extra_validators))
        self.number.data, self.issuer.data = clean(self.number.data, most=60), clean(self.issuer.data, most=80)
        for field, words in ((self.number, gettext("写上证书编号。")), (self.issuer, gettext("写上是谁发的。"))):
            if not field.data:
                refuse(field, words)
        for day_field in (self.first_day, self.last_day):
            if day_field.data is None and not day_field.errors:
                refuse(day_field, gettext("写上日子。"))
        return is_good and not any(field.errors for field in self)


def add_fact_pages(blueprint: Blueprint, desk: Desk) -> None:
    """A product's label and the prices elsewhere."""

    @blueprint.get(f"/<{ID}:product_id>/label")
    @needs(desk.permission)
    def label(product_id: int) -> str:
        """The label, to be read and changed."""
        goods = desk.goods(product_id)
        return desk.page("label", goods, form=LabelForm.of(goods, find_label(goods.id)))

    @blueprint.post(f"/<{ID}:product_id>/label")
    @needs(desk.permission)
    def write_label(product_id: int) -> Response | tuple[str, int]:
        """Write the label down."""
        goods, form = desk.goods(product_id), LabelForm()
        if form.validate_on_submit():
            set_label(goods.id, form.label(LabelKind(form.kind.data)), by=somebody().user_id, now=utc_now())
            flash(gettext("标签记下了，商品页上就是这一份。"), "success")
            return desk.back_to("label", goods)
        return desk.page("label", goods, form=form), 422

    @blueprint.get(f"/<{ID}:product_id>/prices")
    @needs(desk.permission)
    def prices(product_id: int) -> str:
        """What the like costs elsewhere."""
        return _prices_page(desk, desk.goods(product_id), PriceForm(formdata=None, seen_on=business_day(utc_now())))

    @blueprint.post(f"/<{ID}:product_id>/prices")
    @needs(desk.permission)
    def add_price(product_id: int) -> Response | tuple[str, int]:
        """One more."""
        goods, form = desk.goods(product_id), PriceForm()
        if form.validate_on_submit():
            now = utc_now()
            assert form.price.data is not None and form.net_value.data is not None and form.seen_on.data is not None
            pack = _pack_of(goods)
            try:
                note_price(
                    goods.id,
                    what=str(form.what.data),
                    price_fen=form.price.data,
                    net_value=form.net_value.data,
                    net_unit=pack.net_unit if pack else NetUnit.GRAM,
                    source=str(form.source.data),
                    seen_on=form.seen_on.data,
                    today=business_day(now),
                    by=somebody().user_id,
                    now=now,
                )
            except NotYet:
                refuse(form.seen_on, gettext("这一天还没到。"))
            else:
                flash(gettext("记下了，商品页上会连来源和日期一起写出来。"), "success")
                return desk.back_to("prices", goods)
        return _prices_page(desk, goods, form), 422

    @blueprint.post(f"/<{ID}:product_id>/prices/<{ID}:price_id>/withdraw")
    @needs(desk.permission)
    def drop_price(product_id: int, price_id: int) -> Response:
        """Show it no more."""
        goods = desk.goods(product_id)
        take_price_away(goods.id, PriceElsewhereId(price_id), by=somebody().user_id, now=utc_now())
        flash(gettext("撤下了。"), "success")
        return desk.back_to("prices", goods)


class YieldForm(Form):
    """Of 100 kg that go into a lot, how many come out."""

    least = UnitsField(lazy_gettext("最少（%）"))
    most = UnitsField(lazy_gettext("最多（%）"))

    def validate(self, extra_validators: object = None) -> bool:
        """Both."""
        is_good = bool(super().validate(extra_validators))
        for field in (self.least, self.most):
            if field.data is None and not field.errors:
                refuse(field, gettext("写一个整数。"))
        return is_good and not (self.least.errors or self.most.errors)


def add_mark_pages(blueprint: Blueprint, desk: Desk) -> None:
    """Marks, for staff alone: they see the certificate."""

    @blueprint.get(f"/<{ID}:product_id>/marks")
    @needs(desk.permission)
    def marks(product_id: int) -> str:
        """Marks with their certificates."""
        return _marks_page(desk, desk.goods(product_id), MarkForm(formdata=None))

    @blueprint.post(f"/<{ID}:product_id>/marks")
    @needs(desk.permission)
    def add_mark(product_id: int) -> Response | tuple[str, int]:
        """One more."""
        goods, form = desk.goods(product_id), MarkForm()
        if form.validate_on_submit():
            assert form.first_day.data is not None and form.last_day.data is not None, "validate() has asked for them"
            try:
                give_mark(
                    goods.id,
                    MarkKind(form.kind.data),
                    number=str(form.number.data),
                    issuer=str(form.issuer.data),
                    first_day=form.first_day.data,
                    last_day=form.last_day.data,
                    by=somebody().user_id,
                    now=utc_now(),
                )
            except DaysReversed:
                refuse(form.last_day, gettext("止日不能早于起日。"))
            except MarkOverlaps:
                refuse(form.first_day, gettext("这一种标志在这段时间里已经有一份证书了。"))
            else:
                flash(gettext("记下了，在有效期内商品页会显示。"), "success")
                return desk.back_to("marks", goods)
        return _marks_page(desk, goods, form), 422

    @blueprint.post(f"/<{ID}:product_id>/yield")
    @needs(desk.permission)
    def bound_yield(product_id: int) -> Response | tuple[str, int]:
        """How much can come of what goes into a lot."""
        goods, form = desk.goods(product_id), YieldForm()
        if form.validate_on_submit():
            assert form.least.data is not None and form.most.data is not None, "validate() has asked for them"
            try:
                set_yield(goods.id, least_percent=form.least.data, most_percent=form.most.data, by=somebody().user_id, now=utc_now())
            except YieldReversed:
                refuse(form.most, gettext("从 1%% 到 1000%%，最少不能多过最多。") % {})
            else:
                flash(gettext("记下了，以后记批次按它核对。"), "success")
                return desk.back_to("marks", goods)
        return _marks_page(desk, goods, MarkForm(formdata=None), form), 422

    @blueprint.post(f"/<{ID}:product_id>/marks/<{ID}:mark_id>/withdraw")
    @needs(desk.permission)
    def drop_mark(product_id: int, mark_id: int) -> Response:
        """Show it no more."""
        goods = desk.goods(product_id)
        withdraw_mark(goods.id, MarkId(mark_id), by=somebody().user_id, now=utc_now())
        flash(gettext("撤下了。"), "success")
        return desk.back_to("marks", goods)


def _pack_of(goods: GoodsRow) -> SkuFacts | None:
    """Its first pack, whose unit prices elsewhere are compared in."""
    return next(iter(packs_of(goods.id)), None)


def _prices_page(desk: Desk, goods: GoodsRow, form: PriceForm) -> str:
    today = business_day(utc_now())
    days = SHOWN_FOR // timedelta(days=1)
    return desk.page("prices", goods, form=form, pack=_pack_of(goods), prices=prices_elsewhere(goods.id, today=today), shown_days=days)


def _marks_page(desk: Desk, goods: GoodsRow, form: MarkForm, bounds: YieldForm | None = None) -> str:
    if bounds is None:
        least, most = yield_of(goods.id)
        bounds = YieldForm(formdata=None, data={"least": least, "most": most})
    return desk.page("marks", goods, form=form, bounds=bounds, marks=marks_of(goods.id), today=business_day(utc_now()))
