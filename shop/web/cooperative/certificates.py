"""The certificate 承诺达标合格证 that goes with a lot of the cooperative's own: issued, printed as A6 or A4, issued anew, and every one before it."""

from collections.abc import Sequence

from flask import Blueprint, abort, flash, render_template
from flask_babel import gettext, lazy_gettext
from werkzeug.wrappers import Response
from wtforms import FileField, HiddenField, RadioField, StringField
from wtforms.fields.choices import SelectChoice

from shop.accounts.roles import Permission
from shop.extensions import limiter
from shop.kit.clock import business_day, utc_now
from shop.kit.ids import new_key
from shop.kit.pdf import A4, A6, Column, Sheet
from shop.kit.pictures import BadPicture, Drawn, draw
from shop.papers.certificates import CertificateFacts, IssuedMeanwhile, NumberUsed, certificates_of, issue_certificate
from shop.papers.models import PromiseBasis, Reissue
from shop.reports.cooperative_pages import LotFacts, get_lot, last_contact, own_cooperatives
from shop.web.cooperative.fields import DayField, KilogramsField, is_key, refuse
from shop.web.current import needs, settings, somebody
from shop.web.errors import go
from shop.web.filters import day, kg
from shop.web.form import Form
from shop.web.goods_words import PROMISE_BASES
from shop.web.paper import as_file, new_sheet
from shop.web.storefront.addresses import code_in
from shop.web.storefront.words import said
from shop.web.typed import clean
from shop.web.uploads import PICTURES_ACCEPTED, brought_pictures, takes_files, why_bad

blueprint = Blueprint("certificates", __name__, url_prefix="/lots")

PAPERS = {"a6": A6, "a4": A4}
REISSUES = {
    Reissue.MIXED: lazy_gettext("和别的货混装了"),
    Reissue.DIVIDED: lazy_gettext("分装了"),
    Reissue.CORRECTED: lazy_gettext("来源或重量更正了"),
    Reissue.MISTAKE: lazy_gettext("上一张写错了"),
}


class CertificateForm(Form):
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
    why = RadioField(
        lazy_gettext("为什么重开"), choices=[SelectChoice(why.value, words) for why, words in REISSUES.items()], validate_choice=False
    )
    seen = HiddenField()
    once = HiddenField()

    def validate_for(self, lot: LotFacts, in_force: CertificateFacts | None) -> bool:
        """Whole, of this lot, and with a reason where another stands."""
        is_good = self.validate_on_submit()
        self.number.data, self.contact.data = clean(self.number.data, most=60), clean(self.contact.data, most=60)
        if not self.contact.data:
            refuse(self.contact, gettext("写上合格证上的联系电话。"))
        if self.basis.data not in set(PromiseBasis):
            refuse(self.basis, gettext("选合格证上勾的那一项。"))
        if in_force and self.why.data not in set(Reissue):
            refuse(self.why, gettext("选为什么重开。"))
        if not self.grams.data and not self.grams.errors:
            refuse(self.grams, gettext("写上重量。"))
        elif self.grams.data and self.grams.data > lot.produced_grams:
            refuse(self.grams, gettext("这一批一共才 %(produced)s。", produced=kg(lot.produced_grams)))
        if self.issued_on.data is None and not self.issued_on.errors:
            refuse(self.issued_on, gettext("写上日子。"))
        elif self.issued_on.data and self.issued_on.data > business_day(utc_now()):
            refuse(self.issued_on, gettext("这一天还没到。"))
        if lot.recalled_at is not None or not is_key(self.once.data):
            refuse(self.number, gettext("这一批已经召回，不再开合格证。") if lot.recalled_at else gettext("这张表单过时了，请刷新再填。"))
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
    """The one in force, what is to be printed, those before it, and the form for the next."""
    lot = get_lot(code_in(code), somebody().cooperative_ids)
    every = certificates_of(lot.lot_id)
    in_force = _in_force(every)
    form = CertificateForm(formdata=None)
    form.basis.data = in_force.basis.value if in_force else None
    form.contact.data = in_force.contact if in_force else last_contact(lot.lot_id)
    form.grams.type_in(min(in_force.grams, lot.produced_grams) if in_force else lot.produced_grams)
    form.issued_on.type_in(business_day(utc_now()))
    form.once.data, form.seen.data = new_key(), in_force.number if in_force else ""
    return _page(lot, form, every)


@blueprint.post("/<code>/certificate")
@takes_files
@needs(Permission.COOPERATIVE)
def write(code: str) -> Response | tuple[str, int]:
    """Issue it; another one that stood is kept as replaced."""
    lot, form = get_lot(code_in(code), somebody().cooperative_ids), CertificateForm()
    every = certificates_of(lot.lot_id)
    in_force = _in_force(every)
    is_whole = form.validate_for(lot, in_force)
    picture = form.drawn()
    if not is_whole or form.picture.errors:
        return _page(lot, form, every), 422
    assert form.grams.data and form.issued_on.data, "validate_for() has asked for them"
    try:
        number = issue_certificate(
            lot.lot_id,
            code=lot.code,
            source_version=lot.source_version,
            number=str(form.number.data),
            basis=PromiseBasis(form.basis.data),
            grams=form.grams.data,
            issued_on=form.issued_on.data,
            contact=str(form.contact.data),
            picture=picture,
            why=Reissue(form.why.data) if in_force else None,
            seen_number=str(form.seen.data or ""),
            by=somebody().user_id,
            once=str(form.once.data),
            now=utc_now(),
        )
    except NumberUsed:
        refuse(form.number, gettext("这一批用过这个编号，换一个，或者空着。"))
        return _page(lot, form, every), 409
    except IssuedMeanwhile:
        every = certificates_of(lot.lot_id)
        latest = _in_force(every)
        form.seen.data = latest.number if latest else ""
        refuse(form.number, gettext("刚才有人开了一张，看一眼再决定要不要重开。"))
        return _page(lot, form, every), 409
    flash(gettext("开好了：%(number)s。打印贴上，扫袋上的码也看得到。", number=number), "success")
    return go("cooperative.certificates.show", code=lot.code)


@blueprint.get("/<code>/certificate/<paper>.pdf")
@needs(Permission.COOPERATIVE)
@limiter.limit("30 per 5 minutes")
def printed(code: str, paper: str) -> Response:
    """The one in force as a label (A6) or a sheet (A4), with the code that opens the lot's page."""
    lot = get_lot(code_in(code), somebody().cooperative_ids)
    certificate = _in_force(certificates_of(lot.lot_id))
    if certificate is None or paper not in PAPERS:
        abort(404)
    sheet = new_sheet(gettext("承诺达标合格证 %(number)s", number=certificate.number), paper=PAPERS[paper])
    _fill(sheet, lot, certificate, is_label=paper == "a6")
    return as_file(sheet, f"certificate-{certificate.number}-{paper}.pdf")


def _fill(sheet: Sheet, lot: LotFacts, certificate: CertificateFacts, *, is_label: bool) -> None:
    """As the ministry's form has it: the promise, what it rests on, whose it is."""
    sheet.title(gettext("承诺达标合格证"), gettext("编号 %(number)s，批次 %(code)s", number=certificate.number, code=lot.code))
    sheet.text(gettext("我承诺对生产销售的食用农产品："), emphasis="B")
    for promise in (
        gettext("不使用禁用农药兽药、停用兽药和非法添加物；"),
        gettext("常规农药兽药残留不超标；"),
        gettext("对承诺的真实性负责。"),
    ):
        sheet.text(f"· {promise}")
    bases = "    ".join(f"{'[√]' if basis is certificate.basis else '[  ]'} {words}" for basis, words in PROMISE_BASES.items())
    sheet.text(gettext("承诺依据：%(bases)s", bases=bases))
    where = gettext("、").join(f"{said(source.town, source.town_en)} {said(source.name, source.name_en)}" for source in lot.sources)
    sheet.facts(
        (
            (gettext("产品"), said(lot.product_name, lot.product_name_en)),
            (gettext("重量"), kg(certificate.grams)),
            (gettext("产地"), where),
            (gettext("生产者"), said(lot.cooperative_name, lot.cooperative_name_en)),
            (gettext("联系电话"), certificate.contact),
            (gettext("开具日期"), day(certificate.issued_on)),
            (gettext("生产者盖章"), ""),
        )
    )
    address = f"{settings().public_url.rstrip('/')}/lots/{lot.code}"
    if not is_label:
        sheet.table(
            [Column(gettext("村"), 3), Column(gettext("乡镇"), 3), Column(gettext("出了多少"), 2, is_figure=True)],
            [(said(source.name, source.name_en), said(source.town, source.town_en), kg(source.grams)) for source in lot.sources],
        )
    sheet.code(
        address, size_mm=24 if is_label else 36, caption=gettext("扫码看这一批：哪天收割、谁家的、有没有召回。%(address)s", address=address)
    )


def _in_force(every: Sequence[CertificateFacts]) -> CertificateFacts | None:
    return next((each for each in every if each.replaced_at is None), None)


def _page(lot: LotFacts, form: CertificateForm, every: Sequence[CertificateFacts]) -> str:
    ids = somebody().cooperative_ids
    return render_template(
        "cooperative/certificates/show.html",
        cooperatives=own_cooperatives(ids),
        lot=lot,
        form=form,
        every=every,
        in_force=_in_force(every),
        bases=PROMISE_BASES,
        reissues=REISSUES,
        accepted=PICTURES_ACCEPTED,
    )
