"""Reports saved under a name, one's own or shared, and the letters that bring them; a letter is stopped by its own link, without signing in."""

from flask import Blueprint, flash, render_template, request
from flask_babel import get_locale, gettext, lazy_gettext
from werkzeug.wrappers import Response as Redirect
from wtforms import BooleanField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length

from shop.accounts.roles import Permission
from shop.kit.clock import business_day, utc_now
from shop.kit.errors import NotFound
from shop.kit.keys import is_link_key
from shop.reports.questions import Question
from shop.reports.ready import READY, ReadyAsked, Span
from shop.reports.saved import NameTaken, forget_report, get_saved, list_saved, save_report, stop_letters, want_letters
from shop.reports.saved_models import Every, Rolling
from shop.web.current import needs, settings, somebody
from shop.web.errors import go
from shop.web.form import Form
from shop.web.staff.exports import question_here
from shop.web.staff.reports import address_of

blueprint = Blueprint("saved", __name__, url_prefix="/reports")

ROLLING_WORDS = {
    Rolling.FIXED: lazy_gettext("就是现在这几天"),
    Rolling.LAST_WEEK: lazy_gettext("上周"),
    Rolling.THIS_MONTH: lazy_gettext("本月"),
    Rolling.LAST_MONTH: lazy_gettext("上月"),
    Rolling.THIS_YEAR: lazy_gettext("今年"),
}


class SaveForm(Form):
    """Under which name, of which days, for whom."""

    name = StringField(
        lazy_gettext("名字"),
        filters=[lambda text: " ".join((text or "").split())],
        validators=[DataRequired(lazy_gettext("起个名字。")), Length(max=60, message=lazy_gettext("不超过 60 个字。"))],
    )
    rolling = SelectField(
        lazy_gettext("打开时看哪几天"), choices=[SelectChoice(each.value, words) for each, words in ROLLING_WORDS.items()]
    )
    is_shared = BooleanField(lazy_gettext("同事也能打开"))


@blueprint.get("/saved/")
@needs(Permission.READ_REPORTS)
def index() -> str:
    """One's own and those that are shared."""
    return render_template("staff/saved/index.html", rows=list_saved(somebody().user_id), words=ROLLING_WORDS)


@blueprint.route("/saved/new/<ready>", methods=["GET", "POST"])
@needs(Permission.READ_REPORTS)
def new(ready: str) -> str | Redirect | tuple[str, int]:
    """Save the report in this address."""
    question, form = question_here(ready), SaveForm()
    if request.method == "GET":
        return render_template("staff/saved/new.html", form=form, address=dict(request.args, ready=ready))
    if form.validate():
        try:
            save_report(
                question,
                form.name.data,
                rolling=Rolling(form.rolling.data),
                is_shared=form.is_shared.data,
                by=somebody().user_id,
                now=utc_now(),
            )
        except NameTaken:
            form.name.errors = [gettext("已经有一份叫这个名字。")]
        else:
            flash(gettext("存好了。"))
            return go("staff.saved.index")
    return render_template("staff/saved/new.html", form=form, address=dict(request.args, ready=ready)), 422


@blueprint.get("/saved/<int(max=9223372036854775807):saved_id>")
@needs(Permission.READ_REPORTS)
def show(saved_id: int) -> Redirect:
    """The report itself, of today's days, or of those in the address."""
    saved = get_saved(saved_id, somebody().user_id)
    days = {name: request.args[name] for name in ("from", "to") if request.args.get(name)}
    return _report(saved.of(business_day(utc_now())), days)


def _report(question: Question, days: dict[str, str]) -> Redirect:
    if not isinstance(question, ReadyAsked):
        return go("staff.reports.sales", **{**address_of(question), **days})
    report = READY[question.name]
    since = days.get("from", question.period.since.isoformat())
    when = {Span.YEAR: {"year": since[:4]}, Span.MONTH: {"month": since[:7]}, Span.TODAY: {}}
    until = days.get("to", question.period.until.isoformat())
    address = when.get(report.span, {"from": since, "to": until})
    return go("staff.ready.show", ready=question.name, **address, **({report.subject: question.subject} if report.subject else {}))


@blueprint.post("/saved/<int(max=9223372036854775807):saved_id>/letters")
@needs(Permission.READ_REPORTS)
def letters(saved_id: int) -> Redirect:
    """Every week, every month, or no longer."""
    every = request.form.get("every", "")
    if every and every not in set(Every):
        raise NotFound
    locale = "en" if get_locale().language == "en" else "zh"
    want_letters(saved_id, Every(every) if every else None, locale=locale, by=somebody().user_id, now=utc_now())
    flash(gettext("记下了。"))
    return go("staff.saved.index")


@blueprint.post("/saved/<int(max=9223372036854775807):saved_id>/forget")
@needs(Permission.READ_REPORTS)
def forget(saved_id: int) -> Redirect:
    """One's own report is no longer kept."""
    forget_report(saved_id, by=somebody().user_id, now=utc_now())
    flash(gettext("删掉了。"))
    return go("staff.saved.index")


@blueprint.route("/letters/<int(max=9223372036854775807):letter_id>/stop", methods=["GET", "POST"])
@needs(Permission.ANYONE)
def stop(letter_id: int) -> str:
    """By the link in a letter: no more of them. Opening the link changes nothing; the button does."""
    key = request.args.get("key", "")
    if not is_link_key(key, settings().secret_key, "report-letter", str(letter_id)):
        raise NotFound
    if request.method == "POST":
        stop_letters(letter_id, now=utc_now())
    return render_template("staff/saved/stop.html", is_stopped=request.method == "POST", letter_id=letter_id, key=key)
