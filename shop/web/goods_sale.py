"""A product's way to the shelf, its packs with their prices, its season: a cooperative writes and submits, staff decide, publish and retire."""

from flask import Blueprint, flash, render_template, request
from flask_babel import gettext, lazy_gettext
from werkzeug.wrappers import Response
from wtforms import BooleanField, SelectField, StringField
from wtforms.fields.choices import SelectChoice

from shop.catalog.errors import CannotPublish, Missing
from shop.catalog.models import NetUnit
from shop.catalog.service import (
    DraftText,
    NewSku,
    add_pack,
    change_draft,
    draft_product,
    publish,
    retire,
    set_price,
    set_season,
)
from shop.catalog.submissions import NotApproved, NotDraft, NothingToDecide, OwnSubmission, decide, submissions_of, submit
from shop.kit.clock import utc_now
from shop.kit.errors import NotFound
from shop.kit.ids import CategoryId, CooperativeId, SkuId, VillageId
from shop.reports.goods_pages import GoodsRow, categories, draft_of, own_villages, packs_with_history, standing_row
from shop.web.cooperative.fields import KilogramsField, UnitsField, YuanField, refuse
from shop.web.current import needs, somebody
from shop.web.errors import go
from shop.web.form import Form
from shop.web.goods_desk import ID, Desk
from shop.web.storefront.words import said
from shop.web.typed import clean

_MISSING = {
    Missing.VILLAGE: lazy_gettext("没有写产地的村"),
    Missing.COOPERATIVE: lazy_gettext("没有写是哪个合作社的"),
    Missing.OFFERED_SKU: lazy_gettext("没有一种包装"),
    Missing.LOT_SOURCE: lazy_gettext("没有一个批次写明是哪些村的"),
}
MOST_SHELF_LIFE = 3650


class PackForm(Form):
    """One more pack."""

    pack = StringField(lazy_gettext("包装怎么叫"))
    pack_en = StringField(lazy_gettext("英文怎么叫"))
    unit_word = StringField(lazy_gettext("一件叫什么"))
    net_value = UnitsField(lazy_gettext("净含量"))
    net_unit = SelectField(
        lazy_gettext("净含量的单位"),
        choices=[
            SelectChoice(NetUnit.GRAM.value, lazy_gettext("克")),
            SelectChoice(NetUnit.MILLILITRE.value, lazy_gettext("毫升")),
            SelectChoice(NetUnit.PIECE.value, lazy_gettext("个")),
        ],
        default=NetUnit.GRAM.value,
        invalid_choice_message=lazy_gettext("没有这一项，请从单子里选。"),
    )
    packed = KilogramsField(lazy_gettext("装多重（公斤）"))
    price = YuanField(lazy_gettext("卖几元"))

    def validate(self, extra_validators: object = None) -> bool:
        """Nothing is missing or nought."""
        is_good = bool(super().validate(extra_validators))
        self.pack.data, self.pack_en.data = clean(self.pack.data, most=40), clean(self.pack_en.data, most=60)
        self.unit_word.data = clean(self.unit_word.data, most=4)
        for field in (self.pack, self.unit_word, self.net_value, self.packed, self.price):
            if not field.data and not field.errors:
                refuse(field, gettext("写上，要大于 0。") if field in (self.net_value, self.packed, self.price) else gettext("写上。"))
        return is_good and not any(field.errors for field in self)

    def written(self, goods: GoodsRow, count: int) -> NewSku:
        """As the catalogue takes it."""
        assert self.net_value.data and self.packed.data and self.price.data, "validate() has asked for them"
        return NewSku(
            code=f"{goods.slug[:30]}-{count + 1}-{goods.id}",
            pack=str(self.pack.data),
            pack_en=str(self.pack_en.data),
            unit_word=str(self.unit_word.data),
            net_value=self.net_value.data,
            net_unit=NetUnit(self.net_unit.data),
            packed_grams=self.packed.data,
            price_fen=self.price.data,
        )


class SeasonForm(Form):
    """In which months it is harvested."""

    first_month = SelectField(lazy_gettext("从几月起"), default="", invalid_choice_message=lazy_gettext("没有这一项，请从单子里选。"))
    last_month = SelectField(lazy_gettext("到几月止"), default="", invalid_choice_message=lazy_gettext("没有这一项，请从单子里选。"))

    def offer_months(self) -> None:
        """Both lists."""
        months = [
            SelectChoice("", gettext("全年都有")),
            *(SelectChoice(str(number), gettext("%(number)s 月", number=number)) for number in range(1, 13)),
        ]
        self.first_month.choices = self.last_month.choices = months

    def check_months(self) -> None:
        """Both or neither."""
        if bool(self.first_month.data) != bool(self.last_month.data):
            refuse(self.last_month, gettext("起止两个月都选，或者都不选。"))

    @property
    def months(self) -> tuple[int | None, int | None]:
        """As the catalogue takes them."""
        first, last = self.first_month.data, self.last_month.data
        return (int(first), int(last)) if first and last else (None, None)


class DraftForm(SeasonForm):
    """What a cooperative writes of its own product."""

    name = StringField(lazy_gettext("商品名"))
    name_en = StringField(lazy_gettext("英文名"))
    category = SelectField(lazy_gettext("放哪个货架"), invalid_choice_message=lazy_gettext("没有这一项，请从单子里选。"))
    village = SelectField(lazy_gettext("产地的村"), invalid_choice_message=lazy_gettext("没有这一项，请从单子里选。"))
    summary = StringField(lazy_gettext("一句话介绍"))
    summary_en = StringField(lazy_gettext("同一句话的英文"))
    storage = StringField(lazy_gettext("怎么存放"))
    shelf_life_days = UnitsField(lazy_gettext("保质期（天）"))
    is_cold_chain = BooleanField(lazy_gettext("要冷链"))
    is_perishable = BooleanField(lazy_gettext("容易坏，买家确认后不适用七天退货"))

    def validate(self, extra_validators: object = None) -> bool:
        """Its name, how it is kept and for how long."""
        is_good = bool(super().validate(extra_validators))
        for name, most in (("name", 60), ("name_en", 80), ("summary", 300), ("summary_en", 400), ("storage", 60)):
            self[name].data = clean(self[name].data, most=most)
        for name in ("name", "storage"):
            if not self[name].data:
                refuse(self[name], gettext("写上。"))
        if not 0 < (self.shelf_life_days.data or 0) <= MOST_SHELF_LIFE and not self.shelf_life_days.errors:
            refuse(self.shelf_life_days, gettext("写上保质期有多少天。"))
        self.check_months()
        return is_good and not any(field.errors for field in self)

    def written(self) -> DraftText:
        """As the catalogue takes it."""
        first, last = self.months
        return DraftText(
            name=str(self.name.data),
            name_en=str(self.name_en.data),
            summary=str(self.summary.data),
            summary_en=str(self.summary_en.data),
            category_id=CategoryId(int(self.category.data)),
            village_id=VillageId(int(self.village.data)),
            storage=str(self.storage.data),
            shelf_life_days=self.shelf_life_days.data or 0,
            first_harvest_month=first,
            last_harvest_month=last,
            is_cold_chain=bool(self.is_cold_chain.data),
            is_perishable=bool(self.is_perishable.data),
        )


# ── What both look at ─────────────────────────────────────────────────────────────────────────────────────────────────


def add_sale_pages(blueprint: Blueprint, desk: Desk) -> None:
    """State, packs with prices and their history, season."""

    @blueprint.get(f"/<{ID}:product_id>/sale")
    @needs(desk.permission)
    def sale(product_id: int) -> str:
        """All of it."""
        return sale_page(desk, desk.goods(product_id))

    @blueprint.post(f"/<{ID}:product_id>/packs/<{ID}:sku_id>/price")
    @needs(desk.permission)
    def price(product_id: int, sku_id: int) -> Response:
        """Ask another price from now on."""
        goods = desk.goods(product_id)
        if sku_id not in {pack.id for pack in packs_with_history(goods.id)}:
            raise NotFound
        try:
            price_fen = YuanField.read_fen(str(request.form.get("price", "")).strip())
        except ValueError as error:
            flash(str(error), "warning")
        else:
            if price_fen:
                set_price(SkuId(sku_id), price_fen, by=somebody().user_id, now=utc_now())
                flash(gettext("价改好了。已经下的单不变，放在篮里的会先问过买家。"), "success")
            else:
                flash(gettext("写上，要大于 0。"), "warning")
        return desk.back_to("sale", goods, "packs")

    @blueprint.post(f"/<{ID}:product_id>/season")
    @needs(desk.permission)
    def season(product_id: int) -> Response | tuple[str, int]:
        """When it is harvested."""
        goods, form = desk.goods(product_id), SeasonForm()
        form.offer_months()
        is_good = form.validate_on_submit()
        form.check_months()
        if not is_good or form.last_month.errors:
            return sale_page(desk, goods, season=form), 422
        set_season(goods.id, *form.months, by=somebody().user_id, now=utc_now())
        flash(gettext("季节记下了，商品页、应季页跟着变。"), "success")
        return desk.back_to("sale", goods, "season")


def sale_page(desk: Desk, goods: GoodsRow, *, season: SeasonForm | None = None, pack: PackForm | None = None, wrong: str = "") -> str:
    """The page, with forms as they came back."""
    row = standing_row(goods.id)
    if season is None:
        season = SeasonForm(formdata=None)
        season.offer_months()
        season.first_month.data, season.last_month.data = str(row.first_harvest_month or ""), str(row.last_harvest_month or "")
    return desk.page(
        "sale",
        goods,
        row=row,
        submissions=submissions_of(goods.id),
        packs=packs_with_history(goods.id),
        season=season,
        pack=pack if pack is not None else PackForm(formdata=None),
        wrong=wrong,
        me=somebody().user_id,
    )


def _say_missing(refusal: CannotPublish) -> None:
    words = gettext("、").join(str(_MISSING[what]) for what in sorted(refusal.missing))
    flash(gettext("还不行：%(what)s。", what=words), "warning")


# ── The cooperative writes and submits ────────────────────────────────────────────────────────────────────────────────


def add_draft_pages(blueprint: Blueprint, desk: Desk) -> None:
    """New drafts, changing them, their packs, submitting them."""

    @blueprint.get("/new")
    @needs(desk.permission)
    def new() -> str:
        """The form, empty."""
        return _draft_page(desk, _draft_form(desk, DraftForm(formdata=None)), None)

    @blueprint.post("/new")
    @needs(desk.permission)
    def write_down() -> Response | tuple[str, int]:
        """One more draft."""
        form = _draft_form(desk, DraftForm())
        if not form.validate_on_submit():
            return _draft_page(desk, form, None), 422
        written = form.written()
        product_id = draft_product(written, cooperative_id=_house_of(desk, written.village_id), by=somebody().user_id, now=utc_now())
        flash(gettext("草稿记下了，再写包装和价，就能提交。"), "success")
        return go(f"{desk.audience}.goods.sale", product_id=product_id)

    @blueprint.get(f"/<{ID}:product_id>/edit")
    @needs(desk.permission)
    def edit(product_id: int) -> str:
        """The draft as it stands."""
        goods = desk.goods(product_id)
        return _draft_page(desk, _draft_form(desk, DraftForm(formdata=None, **draft_of(goods.id))), goods)

    @blueprint.post(f"/<{ID}:product_id>/edit")
    @needs(desk.permission)
    def rewrite(product_id: int) -> Response | tuple[str, int]:
        """Write it anew."""
        goods, form = desk.goods(product_id), _draft_form(desk, DraftForm())
        if not form.validate_on_submit():
            return _draft_page(desk, form, goods), 422
        try:
            change_draft(goods.id, form.written(), by=somebody().user_id, now=utc_now())
            flash(gettext("记下了。"), "success")
        except NotDraft:
            flash(gettext("已经提交的、上过架的不能这样改；要改请和县里说。"), "warning")
        return desk.back_to("sale", goods)

    @blueprint.post(f"/<{ID}:product_id>/packs")
    @needs(desk.permission)
    def add_one_pack(product_id: int) -> Response | tuple[str, int]:
        """One more pack."""
        goods, form = desk.goods(product_id), PackForm()
        if not form.validate_on_submit():
            return sale_page(desk, goods, pack=form), 422
        try:
            add_pack(goods.id, form.written(goods, len(packs_with_history(goods.id))), by=somebody().user_id, now=utc_now())
            flash(gettext("包装加上了。"), "success")
        except NotDraft:
            flash(gettext("已经提交的、上过架的不能这样改；要改请和县里说。"), "warning")
        return desk.back_to("sale", goods, "packs")

    @blueprint.post(f"/<{ID}:product_id>/submit")
    @needs(desk.permission)
    def send_in(product_id: int) -> Response:
        """Ask for a decision."""
        goods = desk.goods(product_id)
        try:
            submit(goods.id, by=somebody().user_id, now=utc_now())
            flash(gettext("提交了，县里看过就告诉你。"), "success")
        except CannotPublish as refusal:
            _say_missing(refusal)
        except NotDraft:
            flash(gettext("它已经提交过了。"), "warning")
        return desk.back_to("sale", goods)


def _draft_form(desk: Desk, form: DraftForm) -> DraftForm:
    form.offer_months()
    form.category.choices = [SelectChoice(str(one.id), said(one.name, one.name_en)) for one in categories()]
    form.village.choices = [SelectChoice(str(one.id), said(one.name, one.name_en)) for one in own_villages(desk.scope() or ())]
    return form


def _house_of(desk: Desk, village_id: VillageId) -> CooperativeId:
    """The first of one's cooperatives that the village belongs to."""
    return next(one.cooperative_id for one in own_villages(desk.scope() or ()) if one.id == village_id)


def _draft_page(desk: Desk, form: DraftForm, goods: GoodsRow | None) -> str:
    return render_template(f"{desk.audience}/goods/draft.html", form=form, goods=goods, where=f"{desk.audience}.goods", **desk.house())


# ── Staff decide, publish, retire ─────────────────────────────────────────────────────────────────────────────────────


def add_decision_pages(blueprint: Blueprint, desk: Desk) -> None:
    """Approving or sending back, putting on the shelf, taking off it."""

    @blueprint.post(f"/<{ID}:product_id>/decide")
    @needs(desk.permission)
    def judge(product_id: int) -> Response | tuple[str, int]:
        """Approve, or send back with a reason."""
        goods, why = desk.goods(product_id), clean(request.form.get("why"), most=200)
        is_approved = request.form.get("answer") == "yes"
        if not is_approved and not why:
            return sale_page(desk, goods, wrong=gettext("不同意就写一句为什么。")), 422
        try:
            decide(goods.id, is_approved=is_approved, why=why, by=somebody().user_id, now=utc_now())
            flash(gettext("同意了，可以上架。") if is_approved else gettext("退回去了，合作社看得到为什么。"), "success")
        except OwnSubmission:
            flash(gettext("你提交的要别人来定。"), "warning")
        except NothingToDecide:
            flash(gettext("已经有人定了。"), "warning")
        return desk.back_to("sale", goods)

    @blueprint.post(f"/<{ID}:product_id>/publish")
    @needs(desk.permission)
    def put_up(product_id: int) -> Response:
        """On the shelf."""
        goods = desk.goods(product_id)
        try:
            publish(goods.id, by=somebody().user_id, now=utc_now())
            flash(gettext("上架了。"), "success")
        except CannotPublish as refusal:
            _say_missing(refusal)
        except NotApproved:
            flash(gettext("没有经过同意的不能上架。"), "warning")
        return desk.back_to("sale", goods)

    @blueprint.post(f"/<{ID}:product_id>/retire")
    @needs(desk.permission)
    def take_down(product_id: int) -> Response:
        """Off the shelf."""
        goods = desk.goods(product_id)
        retire(goods.id, by=somebody().user_id, now=utc_now())
        flash(gettext("下架了，已经下的单不变。"), "success")
        return desk.back_to("sale", goods)
