"""A lot that was written down wrongly: say what it should be, see what that moves, and leave it to a second person."""

from flask import Blueprint, flash, render_template, request
from flask_babel import gettext
from werkzeug.wrappers import Response

from shop.accounts.roles import Permission
from shop.reports import cooperative_pages as pages
from shop.reports.corrections import CorrectableLot, Effect, get_correctable
from shop.web.correction_form import REFUSALS, CorrectionForm, correction_form
from shop.web.correction_words import STATES
from shop.web.current import needs, somebody
from shop.web.errors import go

blueprint = Blueprint("corrections", __name__, url_prefix="/lots/<code>/correction")


@blueprint.get("/")
@needs(Permission.COOPERATIVE)
def show(code: str) -> str:
    """The lot as it stands, to be put right; and what was put right before."""
    lot = get_correctable(code, somebody().cooperative_ids)
    form = correction_form(lot)
    form.begin()
    return _page(lot, form)


@blueprint.post("/")
@needs(Permission.COOPERATIVE)
def propose(code: str) -> Response | str | tuple[str, int]:
    """Show what it would move; or, when that has been seen, propose it."""
    person = somebody()
    lot = get_correctable(code, person.cooperative_ids)
    form = correction_form(lot)
    if not form.validate_on_submit():
        return _page(lot, form), 422
    if request.form.get("do") != "propose":
        return _page(lot, form, form.preview())
    try:
        form.propose(person.user_id)
    except REFUSALS as refusal:
        form.take_refusal(refusal)
        return _page(lot, form), 422
    flash(gettext("提上去了，等工作人员核对。同意以前，什么都没有变。"), "success")
    return go("cooperative.corrections.show", code=code)


def _page(lot: CorrectableLot, form: CorrectionForm, effects: tuple[Effect, ...] = ()) -> str:
    return render_template(
        "cooperative/corrections/show.html",
        cooperatives=pages.own_cooperatives(somebody().cooperative_ids),
        lot=lot,
        form=form,
        effects=effects,
        states=STATES,
    )
