"""Corrections of lots: what waits for a second person, one correction before and after, and proposing one."""

from flask import Blueprint, flash, render_template, request
from flask_babel import gettext
from werkzeug.wrappers import Response

from shop.accounts.roles import Permission
from shop.acts.correct_sales import approve_correction
from shop.kit.clock import utc_now
from shop.kit.ids import CorrectionId
from shop.reports.corrections import CorrectableLot, CorrectionStory, Effect, get_correctable, get_correction, list_corrections
from shop.stock.corrections import LONGEST_REASON, AlreadyDecided, LessThanPacked, NoReason, SamePerson, reject
from shop.stock.errors import NoSuchLot
from shop.web.correction_form import REFUSALS, CorrectionForm, correction_form
from shop.web.correction_words import STATES
from shop.web.current import needs, somebody
from shop.web.errors import go
from shop.web.typed import clean

blueprint = Blueprint("corrections", __name__, url_prefix="/corrections")

_ID = "int(max=9223372036854775807)"


@blueprint.get("/")
@needs(Permission.READ_CORRECTIONS)
def index() -> str | Response | tuple[str, int]:
    """What waits, and what was decided; with a lot's code, on to its form."""
    code, is_unknown = clean(request.args.get("code"), most=24).upper(), False
    if code and somebody().may(Permission.CORRECT):
        try:
            return go("staff.corrections.new", code=get_correctable(code, None).code)
        except NoSuchLot:
            is_unknown = True
    page = render_template(
        "staff/corrections/index.html",
        found=list_corrections(page=request.args.get("page", 1, type=int)),
        states=STATES,
        code=code,
        is_unknown=is_unknown,
        may_correct=somebody().may(Permission.CORRECT),
    )
    return (page, 404) if is_unknown else page


@blueprint.get("/lots/<code>")
@needs(Permission.CORRECT)
def new(code: str) -> str:
    """The form for one lot."""
    lot = get_correctable(code, None)
    form = correction_form(lot)
    form.begin()
    return _form_page(lot, form)


@blueprint.post("/lots/<code>")
@needs(Permission.CORRECT)
def propose(code: str) -> Response | str | tuple[str, int]:
    """Show what it would move; or, when that has been seen, propose it."""
    lot = get_correctable(code, None)
    form = correction_form(lot)
    if not form.validate_on_submit():
        return _form_page(lot, form), 422
    if request.form.get("do") != "propose":
        return _form_page(lot, form, form.preview())
    try:
        correction_id = form.propose(somebody().user_id)
    except REFUSALS as refusal:
        form.take_refusal(refusal)
        return _form_page(lot, form), 422
    flash(gettext("提上去了，等另一个人核对。同意以前，什么都没有变。"), "success")
    return go("staff.corrections.show", correction_id=correction_id)


@blueprint.get(f"/<{_ID}:correction_id>")
@needs(Permission.READ_CORRECTIONS)
def show(correction_id: int) -> str:
    """One correction: before and after, and what it moves."""
    return _page(get_correction(CorrectionId(correction_id)))


@blueprint.post(f"/<{_ID}:correction_id>/approve")
@needs(Permission.CORRECT)
def approve(correction_id: int) -> Response | tuple[str, int]:
    """The second person agrees."""
    word = clean(request.form.get("word"), most=LONGEST_REASON)
    try:
        approve_correction(CorrectionId(correction_id), word=word, by=somebody().user_id, now=utc_now())
        flash(gettext("同意了。批次已按新的来源卖，以前卖的正在逐单改账。"), "success")
    except SamePerson:
        flash(gettext("自己提的，要另一个人来定。"), "error")
    except AlreadyDecided:
        flash(gettext("这张更正单刚才已经有人定了。"), "warning")
    except LessThanPacked:
        flash(gettext("后来又装了袋，产出比装的还少了。请不同意，重新提。"), "error")
    return go("staff.corrections.show", correction_id=correction_id)


@blueprint.post(f"/<{_ID}:correction_id>/reject")
@needs(Permission.CORRECT)
def refuse(correction_id: int) -> Response | tuple[str, int]:
    """The second person does not agree, and says why."""
    word = clean(request.form.get("word"), most=LONGEST_REASON)
    try:
        reject(CorrectionId(correction_id), word=word, by=somebody().user_id, now=utc_now())
        flash(gettext("没有同意，什么都没有变。"), "success")
    except NoReason:
        story = get_correction(CorrectionId(correction_id))
        return _page(story, error=gettext("不同意要写一句为什么。")), 422
    except SamePerson:
        flash(gettext("自己提的，要另一个人来定。"), "error")
    except AlreadyDecided:
        flash(gettext("这张更正单刚才已经有人定了。"), "warning")
    return go("staff.corrections.show", correction_id=correction_id)


def _form_page(lot: CorrectableLot, form: CorrectionForm, effects: tuple[Effect, ...] = ()) -> str:
    return render_template("staff/corrections/new.html", lot=lot, form=form, effects=effects, states=STATES)


def _page(story: CorrectionStory, error: str = "") -> str:
    person = somebody()
    return render_template(
        "staff/corrections/show.html",
        story=story,
        states=STATES,
        may_decide=person.may(Permission.CORRECT) and person.user_id != story.proposed_by_id,
        is_own=person.user_id == story.proposed_by_id,
        error=error,
    )
