"""The certificate 承诺达标合格证 that goes with a lot of the cooperative's own."""

from flask import Blueprint, flash, render_template
from flask_babel import gettext, lazy_gettext
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import FileField, RadioField, StringField
from wtforms.fields.choices import SelectChoice

from shop.accounts.roles import Permission
from shop.kit.clock import business_day, utc_now
from shop.kit.pictures import BadPicture, Drawn, draw
from shop.papers.models import PromiseBasis
from shop.papers.permits import find_certificate, set_certificate
from shop.reports.cooperative_pages import LotFacts, get_lot, own_cooperatives
from shop.web.cooperative.fields import DayField, KilogramsField, refuse
from shop.web.current import needs, somebody
from shop.web.errors import go
from shop.web.goods_words import PROMISE_BASES
from shop.web.storefront.addresses import code_in
from shop.web.typed import clean
from shop.web.uploads import PICTURES_ACCEPTED, brought_pictures, takes_files, why_bad

blueprint = Blueprint("certificates", __name__, url_prefix="/lots")


class CertificateForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """What the certificate says."""

    number = StringField(lazy_gettext("合格证编号"))
    basis = RadioField(
        lazy_gettext("承诺依据"),
        choices=[SelectChoice(basis.value, words) for basis, words in PROMISE_BASES.items()],
        validate_choice=False,
    )
    grams = KilogramsField(lazy_gettext("重量（kg）"))
    issued_on = DayField(lazy_gettext("开具日期"))
    contact = StringField(lazy_gettext("联系电话"))
    picture = FileField(lazy_gettext("合格证照片"))

    def validate(self, extra_validators: object = None) -> bool:
        """Whole."""
        is_good = bool(super().validate(extra_validators))
        self.number.data, self.contact.data = clean(self.number.data, most=60), clean(self.contact.data, most=60)
        for field, words in ((self.number, gettext("写上合格证编号。")), (self.contact, gettext("写上合格证上的联系电话。"))):
            if not field.data:
                refuse(field, words)
        if self.basis.data not in set(PromiseBasis):
            refuse(self.basis, gettext("选合格证上勾的那一项。"))
        if not self.grams.data and not self.grams.errors:
            refuse(self.grams, gettext("写上重量。"))
        if self.issued_on.data is None and not self.issued_on.errors:
            refuse(self.issued_on, gettext("写上日子。"))
        elif self.issued_on.data and self.issued_on.data > business_day(utc_now()):
            refuse(self.issued_on, gettext("这一天还没到。"))
        return is_good and not any(field.errors for field in self)

    def drawn(self) -> Drawn | None:
        """The picture, if there is one and it is fit; words beside the field if it is not."""
        brought = brought_pictures("picture", most=1)
        try:
            return draw(brought[0]) if brought else None
        except BadPicture as refusal:
            refuse(self.picture, why_bad(refusal))
            return None


@blueprint.get("/<code>/certificate")
@needs(Permission.COOPERATIVE)
def show(code: str) -> str:
    """What is written down, to be read and changed."""
    lot = get_lot(code_in(code), somebody().cooperative_ids)
    known = find_certificate(lot.lot_id)
    form = CertificateForm(formdata=None, data={**vars(known), "basis": known.basis.value, "picture": None} if known else None)
    if known is None:
        form.grams.data = lot.produced_grams
    return _page(lot, form)


@blueprint.post("/<code>/certificate")
@takes_files
@needs(Permission.COOPERATIVE)
def write(code: str) -> Response | tuple[str, int]:
    """Write it down; another one takes its place."""
    lot, form = get_lot(code_in(code), somebody().cooperative_ids), CertificateForm()
    is_whole = form.validate_on_submit()
    picture = form.drawn()
    if not is_whole or form.picture.errors:
        return _page(lot, form), 422
    assert form.grams.data and form.issued_on.data, "validate() has asked for them"
    set_certificate(
        lot.lot_id,
        number=str(form.number.data),
        basis=PromiseBasis(form.basis.data),
        grams=form.grams.data,
        issued_on=form.issued_on.data,
        contact=str(form.contact.data),
        picture=picture,
        by=somebody().user_id,
        now=utc_now(),
    )
    flash(gettext("合格证记下了，扫袋上的码就看得到。"), "success")
    return go("cooperative.lots.show", code=lot.code)


def _page(lot: LotFacts, form: CertificateForm) -> str:
    ids = somebody().cooperative_ids
    return render_template(
        "cooperative/certificates/show.html", cooperatives=own_cooperatives(ids), lot=lot, form=form, accepted=PICTURES_ACCEPTED
    )
