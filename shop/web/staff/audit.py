"""The audit log on screen and as a file."""

import json
import re

from flask import Blueprint, Response, render_template, request, url_for
from flask_babel import gettext, lazy_gettext
from wtforms import IntegerField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Optional

from shop.accounts.roles import Permission
from shop.kit.clock import SHANGHAI
from shop.kit.errors import NotFound
from shop.kit.ids import UserId
from shop.kit.sheets import csv_file
from shop.reports.audit import Deed, Wanted, export_audit, read_audit
from shop.web.audit_words import ACTION_WORDS, FACT_WORDS, GROUP_WORDS, VALUE_WORDS, deeds_in
from shop.web.cooperative.fields import DayField
from shop.web.current import needs, somebody
from shop.web.form import Form
from shop.web.storefront.addresses import page_asked
from shop.web.typed import clean

blueprint = Blueprint("audit", __name__, url_prefix="/audit")


class AuditForm(Form):
    """What is looked for; it stands in the address."""

    class Meta:
        """A search changes nothing."""

        csrf = False

    subject = StringField(lazy_gettext("关于什么"))
    action = SelectField(
        lazy_gettext("哪一类"),
        choices=[SelectChoice("", lazy_gettext("全部")), *(SelectChoice(name, words) for name, words in GROUP_WORDS.items())],
        validate_choice=False,
    )
    by = IntegerField(lazy_gettext("几号人员"), validators=[Optional()])
    since = DayField(lazy_gettext("从哪天起"))
    until = DayField(lazy_gettext("到哪天止"))

    def wanted(self) -> Wanted:
        """The same as a value."""
        by = self.by.data if self.by.data and 0 < self.by.data < 2**62 else None
        return Wanted(
            subject=clean(self.subject.data, most=80),
            actions=deeds_in(action) if (action := clean(self.action.data, most=60)) else None,
            by=UserId(by) if by else None,
            since=self.since.data,
            until=self.until.data,
        )


@blueprint.get("/")
@needs(Permission.READ_AUDIT)
def index() -> str | tuple[str, int]:
    """Deeds, the latest first."""
    form = AuditForm(request.args)
    if not form.validate():
        return render_template("staff/audit/index.html", form=form, found=None, arguments={}), 422
    found = read_audit(form.wanted(), page=page_asked())
    if found.page > found.pages:
        raise NotFound
    arguments = {name: value for name, value in request.args.items() if value and name in form._fields}
    return render_template(
        "staff/audit/index.html", form=form, found=found, arguments=arguments, words=word_of_action, place=place_of, told=told
    )


@blueprint.get("/export.csv")
@needs(Permission.READ_AUDIT)
def export() -> Response:
    """The same as a file. People stand in it by number, never by name."""
    form = AuditForm(request.args)
    if not form.validate():
        raise NotFound
    header = ("id", "at", "by_user_id", "action", "subject", "before", "after", "facts")
    rows = (_row(deed) for deed in export_audit(form.wanted()))
    disposition = 'attachment; filename="audit.csv"'
    return Response(csv_file(header, rows), content_type="text/csv; charset=utf-8", headers={"Content-Disposition": disposition})


def _row(deed: Deed) -> tuple[str | int | None, ...]:
    at = deed.at.astimezone(SHANGHAI).isoformat(timespec="seconds")
    facts = (_as_text(value) for value in (deed.before, deed.after, deed.besides or None))
    return (deed.id, at, deed.by_user_id, deed.action, deed.subject, *facts)


def _as_text(value: object) -> str:
    return "" if value is None else json.dumps(value, ensure_ascii=False, sort_keys=True)


def word_of_action(deed: Deed) -> str:
    """What was done, in words."""
    return str(ACTION_WORDS.get(deed.action, deed.action))


def told(value: object) -> list[tuple[str, str, str]]:
    """Facts as (name, text, kind): kind is `fen` for money, else empty."""
    if value is None:
        return []
    if not isinstance(value, dict):
        return [("", _plain(value), "")]
    return [
        (str(FACT_WORDS.get(name, name)), _plain(inner, name), "fen" if name.endswith("_fen") and inner is not None else "")
        for name, inner in value.items()
    ]


def _plain(value: object, name: str = "") -> str:
    if isinstance(value, bool):
        return str(gettext("是")) if value else str(gettext("否"))
    if isinstance(value, list):
        return ", ".join(_plain(each, name) for each in value)
    if isinstance(value, dict):
        return ", ".join(f"{FACT_WORDS.get(inner, inner)} {_plain(each, inner)}" for inner, each in value.items())
    if name in ("state", "kind", "roles"):
        return str(VALUE_WORDS.get(str(value), value))
    return "—" if value is None or value == "" else str(value)


_ORDER = re.compile(r"SH-\d{6}-[0-9A-Z]{6}")


def place_of(subject: str) -> str:
    """The page of what it is about, where there is one that may be opened."""
    kind, _, number = subject.partition(":")
    if _ORDER.fullmatch(subject):
        return url_for("staff.orders.show", number=subject)
    if kind == "user" and number.isdecimal() and somebody().may(Permission.PEOPLE):
        return url_for("staff.people.show", user_id=int(number))
    return ""
