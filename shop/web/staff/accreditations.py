"""Accreditations of products: the list, writing one down with its certificate, withdrawing one."""

from flask import Blueprint, Response, flash, render_template, request
from flask_babel import gettext, lazy_gettext
from werkzeug.wrappers import Response as AnyResponse
from wtforms import FileField, HiddenField, SelectField, StringField
from wtforms.fields.choices import SelectChoice

from shop.accounts.roles import Permission
from shop.kit.clock import business_day, utc_now
from shop.kit.ids import AccreditationId, ProductId, new_key
from shop.papers.accreditations import (
    SUBJECT,
    AlreadyWithdrawn,
    DaysReversed,
    NoProof,
    OutsideItsTime,
    Overlapping,
    record,
    withdraw,
)
from shop.papers.attachments import SUFFIXES, AttachmentId, get_attachment, read_bytes
from shop.papers.errors import CannotKeep
from shop.reports.accreditations import accreditable, list_accreditations
from shop.web.cooperative.fields import DayField, is_key, refuse
from shop.web.current import needs, settings, somebody
from shop.web.dividend_words import ACCEPTED, brought, why_not_kept
from shop.web.errors import go
from shop.web.filters import day
from shop.web.form import Form
from shop.web.storefront.words import said
from shop.web.typed import clean

blueprint = Blueprint("accreditations", __name__, url_prefix="/accreditations")

_ID = "int(max=9223372036854775807)"


class AccreditationForm(Form):
    """One product accredited for a time."""

    once = HiddenField()
    product = SelectField(lazy_gettext("商品"), invalid_choice_message=lazy_gettext("没有这一项，请从单子里选。"))
    number = StringField(lazy_gettext("证书编号"))
    issuer = StringField(lazy_gettext("认定单位"))
    first_day = DayField(lazy_gettext("从哪天起"))
    last_day = DayField(lazy_gettext("到哪天止"))
    papers = FileField(lazy_gettext("证书扫描件"))
    paper = StringField(lazy_gettext("纸质件放在哪"))

    def validate(self, extra_validators: object = None) -> bool:
        """Nothing is missing; the rest is for the act to say."""
        is_good = bool(super().validate(extra_validators))
        self.number.data = clean(self.number.data, most=60)
        self.issuer.data = clean(self.issuer.data, most=80)
        self.paper.data = clean(self.paper.data, most=80)
        for field, words in ((self.number, gettext("写上证书编号。")), (self.issuer, gettext("写上是谁认定的。"))):
            if not field.data:
                refuse(field, words)
        for day_field in (self.first_day, self.last_day):
            if day_field.data is None and not day_field.errors:
                refuse(day_field, gettext("写上日子。"))
        if not is_key(self.once.data):
            refuse(self.number, gettext("这张表单过时了，请刷新再填。"))
        return is_good and not any(field.errors for field in self)


def _form() -> AccreditationForm:
    form = AccreditationForm()
    form.product.choices = [SelectChoice(str(product.id), said(product.name, product.name_en)) for product in accreditable()]
    return form


@blueprint.get("/")
@needs(Permission.READ_CORRECTIONS)
def index() -> str:
    """All of them, those that hold today told apart."""
    return _list_page()


@blueprint.get("/new")
@needs(Permission.ACCREDIT)
def new() -> str:
    """The form."""
    form = _form()
    form.once.data = new_key()
    return render_template("staff/accreditations/new.html", form=form, accepted=ACCEPTED)


@blueprint.post("/new")
@needs(Permission.ACCREDIT)
def add() -> AnyResponse | tuple[str, int]:
    """Write it down."""
    form = _form()
    if form.validate_on_submit():
        assert form.first_day.data is not None and form.last_day.data is not None, "validate() has asked for them"
        try:
            record(
                ProductId(int(form.product.data)),
                number=str(form.number.data),
                issuer=str(form.issuer.data),
                first_day=form.first_day.data,
                last_day=form.last_day.data,
                paper=str(form.paper.data),
                file=next(iter(brought()), None),
                instance_path=settings().instance_path,
                by=somebody().user_id,
                once=f"form:{form.once.data}",
                now=utc_now(),
            )
        except CannotKeep as refusal:
            refuse(form.papers, why_not_kept(refusal))
        except DaysReversed:
            refuse(form.last_day, gettext("止日不能早于起日。"))
        except NoProof:
            refuse(form.papers, gettext("传一份证书，或写明纸质件放在哪。"))
        except Overlapping as refusal:
            words = {"number": refusal.number, "since": day(refusal.first_day), "until": day(refusal.last_day)}
            refuse(form.first_day, gettext("和 %(number)s（%(since)s 至 %(until)s）重了，一段时间只能有一份。", **words))
        else:
            flash(gettext("记下了。从现在起记账的、在有效期内卖出的，都算已认定。"), "success")
            return go("staff.accreditations.index")
    return render_template("staff/accreditations/new.html", form=form, accepted=ACCEPTED), 422


@blueprint.post(f"/<{_ID}:accreditation_id>/withdraw")
@needs(Permission.ACCREDIT)
def take_back(accreditation_id: int) -> AnyResponse | tuple[str, int]:
    """From today on it no longer counts."""
    why = clean(request.form.get("why"), most=120)
    if not why:
        return _list_page(wrong_id=accreditation_id), 422
    try:
        withdraw(AccreditationId(accreditation_id), on=business_day(utc_now()), why=why, by=somebody().user_id, now=utc_now())
        flash(gettext("从今天起不再算已认定；以前算过的不变。"), "success")
    except AlreadyWithdrawn:
        flash(gettext("这一份已经停用了。"), "warning")
    except OutsideItsTime:
        flash(gettext("这一份今天不在有效期内，不用停。"), "warning")
    return go("staff.accreditations.index")


@blueprint.get(f"/papers/<{_ID}:certificate_id>")
@needs(Permission.READ_CORRECTIONS)
def paper(certificate_id: int) -> Response:
    """The certificate, always as a file to keep."""
    row = get_attachment(AttachmentId(certificate_id), subject_kind=SUBJECT)
    answer = Response(read_bytes(row, settings().instance_path), mimetype=row.media_type)
    answer.headers["Content-Disposition"] = f'attachment; filename="accreditation-{row.id}.{SUFFIXES[row.media_type]}"'
    return answer


def _list_page(wrong_id: int = 0) -> str:
    return render_template(
        "staff/accreditations/index.html",
        rows=list_accreditations(),
        today=business_day(utc_now()),
        may=somebody().may(Permission.ACCREDIT),
        wrong_id=wrong_id,
    )
