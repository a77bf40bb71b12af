"""Lots: bringing one in, packing more of it, its tag for the bag."""

from collections.abc import Sequence

import segno
from flask import Blueprint, flash, render_template, request
from flask_babel import gettext
from markupsafe import Markup
from werkzeug.wrappers import Response

from shop.accounts.roles import Permission
from shop.kit.clock import business_day, utc_now
from shop.kit.ids import PhotoId, SkuId, new_key
from shop.papers.certificates import find_certificate
from shop.reports import cooperative_pages as pages
from shop.reports.cooperative_pages import LotFacts, OwnProduct
from shop.reports.recall_page import find_recall
from shop.stock.errors import (
    BestBeforeOutOfRange,
    HarvestAhead,
    LotIsRecalled,
    NoSources,
    NoSuchLot,
    NotAWeight,
    NotEnoughToWriteOff,
    PackedTooMuch,
    YieldOutOfRange,
)
from shop.stock.photos import MOST_LOT_PHOTOS, EnoughLotPhotos, add_lot_photo, lot_photos, remove_lot_photo
from shop.web.cooperative.fields import refuse
from shop.web.cooperative.lot_form import LotForm, LotPhotoForm, PackForm, WriteOffForm, form_for
from shop.web.cooperative.words import WRITE_OFF_WORDS
from shop.web.current import needs, settings, somebody
from shop.web.errors import go
from shop.web.storefront.words import said, units
from shop.web.uploads import PICTURES_ACCEPTED, takes_files

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
        except (HarvestAhead, BestBeforeOutOfRange, NoSources, NotAWeight, PackedTooMuch, YieldOutOfRange) as refusal:
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


@blueprint.post("/<code>/packs/<int(max=9223372036854775807):sku_id>/write-off")
@needs(Permission.COOPERATIVE)
def write_off(code: str, sku_id: int) -> Response | tuple[str, int]:
    """Units of one of its packs are gone: damaged, spoilt, sampled, lost, destroyed."""
    person = somebody()
    lot = pages.get_lot(code, person.cooperative_ids)
    chosen = next((pack_ for pack_ in lot.packs if pack_.sku_id == sku_id), None)
    if chosen is None or chosen.item_id is None:
        raise NoSuchLot
    form, status = WriteOffForm(), 422
    if form.validate_on_submit():
        try:
            counted = form.write_off(chosen.item_id, person.user_id)
        except NotEnoughToWriteOff as refusal:
            refuse(form.gone, gettext("能减的只有 %(units)s。", units=units(refusal.free_units, chosen.unit_word)))
            status = 409
        else:
            words = {
                "pack": said(chosen.pack, chosen.pack_en),
                "before": counted.free_before,
                "after": units(counted.free_after, chosen.unit_word),
            }
            flash(gettext("报损记下了：%(pack)s，可卖 %(before)s → %(after)s。", **words), "info" if counted.is_repeat else "success")
            return go("cooperative.lots.show", code=code, _anchor="packs")
    return _lot_page(lot, opened=chosen.sku_id, gone=form), status


@blueprint.post("/<code>/photos")
@takes_files
@needs(Permission.COOPERATIVE)
def add_photo(code: str) -> Response | tuple[str, int]:
    """One more photograph of the lot."""
    person = somebody()
    lot, form = pages.get_lot(code, person.cooperative_ids), LotPhotoForm()
    drawn = form.drawn() if form.validate_on_submit() else None
    if drawn is not None:
        try:
            add_lot_photo(lot.lot_id, drawn, by=person.user_id, now=utc_now())
        except EnoughLotPhotos:
            refuse(form.photo, gettext("最多 %(most)s 张，先删一张。", most=MOST_LOT_PHOTOS))
        else:
            flash(gettext("照片加上了。"), "success")
            return go("cooperative.lots.show", code=code, _anchor="photos")
    return _lot_page(lot, photo_form=form), 422


@blueprint.post("/<code>/photos/<int(max=9223372036854775807):photo_id>/remove")
@needs(Permission.COOPERATIVE)
def remove_photo(code: str, photo_id: int) -> Response:
    """It goes."""
    person = somebody()
    lot = pages.get_lot(code, person.cooperative_ids)
    remove_lot_photo(lot.lot_id, PhotoId(photo_id), by=person.user_id, now=utc_now())
    flash(gettext("照片删掉了。"), "success")
    return go("cooperative.lots.show", code=code, _anchor="photos")


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


def _lot_page(
    lot: LotFacts,
    opened: SkuId | None = None,
    form: PackForm | None = None,
    gone: WriteOffForm | None = None,
    photo_form: LotPhotoForm | None = None,
) -> str:
    return render_template(
        "cooperative/lots/show.html",
        cooperatives=pages.own_cooperatives(somebody().cooperative_ids),
        lot=lot,
        opened=opened,
        form=form,
        gone=gone,
        reasons=WRITE_OFF_WORDS,
        photos=lot_photos(lot.lot_id),
        photo_form=photo_form or LotPhotoForm(formdata=None),
        most_photos=MOST_LOT_PHOTOS,
        accepted=PICTURES_ACCEPTED,
        certificate=find_certificate(lot.lot_id),
        recall=find_recall(lot.lot_id) if lot.recalled_at else None,
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
