"""Lots: bringing one in, packing more of it, its tag for the bag."""

from collections.abc import Sequence

import segno
from flask import Blueprint, flash, render_template, request
from flask_babel import gettext
from markupsafe import Markup
from werkzeug.wrappers import Response

from shop.accounts.roles import Permission
from shop.kit.clock import business_day, utc_now
from shop.kit.ids import SkuId, new_key
from shop.reports import cooperative_pages as pages
from shop.reports.cooperative_pages import LotFacts, OwnProduct
from shop.stock.errors import (
    BestBeforeOutOfRange,
    HarvestAhead,
    LotIsRecalled,
    NoSources,
    NoSuchLot,
    NotAWeight,
    PackedTooMuch,
)
from shop.web.cooperative.lot_form import LotForm, PackForm, form_for
from shop.web.current import needs, settings, somebody
from shop.web.errors import go
from shop.web.storefront.words import said, units

blueprint = Blueprint("lots", __name__, url_prefix="/lots")

LABELS_PER_SHEET = 12


# ── A new lot ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@blueprint.get("/new")
@needs(Permission.COOPERATIVE)
def new() -> str:
    """Ask what came in, whose it is, how it was packed. With several products, first of which."""
    products = pages.own_products(somebody().cooperative_ids)
    form = _form_of_chosen(products)
    if form:
        form.begin(today=business_day(utc_now()))
    return _new_lot_page(products, form)


@blueprint.post("/new")
@needs(Permission.COOPERATIVE)
def record() -> Response | tuple[str, int]:
    """Record the lot; or only add up what was typed, or take the offer to pack fewer."""
    person = somebody()
    products = pages.own_products(person.cooperative_ids)
    form = _form_of_chosen(products)
    if form is None:
        return _new_lot_page(products, None), 422
    if "sum" in request.form or "fit" in request.form:
        form.add_up(request.form.get("fit", ""))
        return _new_lot_page(products, form), 200
    if form.validate_on_submit():
        try:
            lot = form.record(person.user_id)
        except (HarvestAhead, BestBeforeOutOfRange, NoSources, NotAWeight, PackedTooMuch) as refusal:
            form.take_refusal(refusal)
        else:
            flash(gettext("记下了：批次 %(code)s。打印袋上的码，贴上就能卖。", code=lot.code), "success")
            return go("cooperative.lots.show", code=lot.code)
    return _new_lot_page(products, form), 422


def _form_of_chosen(products: Sequence[OwnProduct]) -> LotForm | None:
    """The form for the product that the address names, or the only one there is; none while it must still be chosen."""
    slug = request.args.get("product") or (products[0].slug if len(products) == 1 else "")
    return form_for(pages.plan_lot(slug, products)) if slug else None


def _new_lot_page(products: Sequence[OwnProduct], form: LotForm | None) -> str:
    return render_template(
        "cooperative/lots/new.html",
        cooperatives=pages.own_cooperatives(somebody().cooperative_ids),
        products=products,
        form=form,
        today=business_day(utc_now()),
    )


# ── Lots that are there ───────────────────────────────────────────────────────────────────────────────────────────────


@blueprint.get("/")
@needs(Permission.COOPERATIVE)
def index() -> str:
    """All lots, the latest first."""
    ids = somebody().cooperative_ids
    return render_template(
        "cooperative/lots/index.html",
        cooperatives=pages.own_cooperatives(ids),
        listed=pages.lots(ids, page=request.args.get("page", 1, type=int)),
        today=business_day(utc_now()),
    )


@blueprint.get("/<code>")
@needs(Permission.COOPERATIVE)
def show(code: str) -> str:
    """One lot: whose it is, how it was packed, its tag."""
    return _lot_page(pages.get_lot(code, somebody().cooperative_ids))


@blueprint.post("/<code>/packs/<int(max=9223372036854775807):sku_id>")
@needs(Permission.COOPERATIVE)
def pack_more(code: str, sku_id: int) -> Response | tuple[str, int]:
    """Pack more of a lot into one of its packs."""
    person = somebody()
    lot = pages.get_lot(code, person.cooperative_ids)
    chosen = next((pack_ for pack_ in lot.packs if pack_.sku_id == sku_id), None)
    if chosen is None:
        raise NoSuchLot
    form = PackForm()
    if form.validate_on_submit():
        try:
            counted = form.pack(lot, chosen, person.user_id)
        except (PackedTooMuch, LotIsRecalled) as refusal:
            form.take_refusal(refusal, chosen)
        else:
            words = {
                "pack": said(chosen.pack, chosen.pack_en),
                "before": counted.free_before,
                "after": units(counted.free_after, chosen.unit_word),
            }
            if counted.is_repeat:
                flash(gettext("这一张已经记过了，没有再装第二次：%(pack)s 是 %(before)s → %(after)s。", **words), "info")
            else:
                flash(gettext("装好了：%(pack)s，可卖 %(before)s → %(after)s。", **words), "success")
            return go("cooperative.lots.show", code=code, _anchor="packs")
    return _lot_page(lot, opened=chosen.sku_id, form=form), 422


@blueprint.get("/<code>/label")
@needs(Permission.COOPERATIVE)
def label(code: str) -> str:
    """A sheet of tags to print and cut: what anybody sees who points a telephone at the bag."""
    ids = somebody().cooperative_ids
    lot = pages.get_lot(code, ids)
    return render_template(
        "cooperative/lots/label.html",
        cooperatives=pages.own_cooperatives(ids),
        lot=lot,
        address=_public_address(lot),
        qr_code=_qr_code(_public_address(lot)),
        copies=LABELS_PER_SHEET,
    )


def _lot_page(lot: LotFacts, opened: SkuId | None = None, form: PackForm | None = None) -> str:
    return render_template(
        "cooperative/lots/show.html",
        cooperatives=pages.own_cooperatives(somebody().cooperative_ids),
        lot=lot,
        opened=opened,
        form=form,
        once=new_key(),
        address=_public_address(lot),
        qr_code=_qr_code(_public_address(lot)),
        now=utc_now(),
        today=business_day(utc_now()),
    )


def _public_address(lot: LotFacts) -> str:
    return f"{settings().public_url.rstrip('/')}/lots/{lot.code}"


def _qr_code(address: str) -> Markup:
    """The address as a drawing, dark on light in every scheme: a telephone cannot read it the other way round."""
    code = segno.make_qr(address, error="m", boost_error=False)
    return Markup(code.svg_inline(border=4, omitsize=True, dark="#000", light="#fff", svgclass="qr-code", lineclass=None))
