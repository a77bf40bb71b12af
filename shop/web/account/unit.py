"""Which eastern unit my orders are credited to."""

from flask import Blueprint, flash, render_template
from flask_babel import gettext, lazy_gettext
from werkzeug.wrappers import Response
from wtforms import SelectField
from wtforms.fields.choices import SelectChoice

from shop.accounts.own import credit_unit
from shop.accounts.roles import Permission
from shop.kit.clock import utc_now
from shop.kit.ids import EasternUnitId
from shop.reports.offline_pages import list_units
from shop.web.current import needs, somebody
from shop.web.errors import go
from shop.web.form import Form

blueprint = Blueprint("unit", __name__, url_prefix="/unit")


class UnitForm(Form):
    """One unit, or none."""

    unit = SelectField(lazy_gettext("我的单位"), invalid_choice_message=lazy_gettext("没有这一项，请从单子里选。"))


@blueprint.get("/")
@needs(Permission.SIGNED_IN)
def show() -> str:
    """The one chosen now."""
    form = _form()
    form.unit.data = str(somebody().eastern_unit_id or "")
    return render_template("account/unit/show.html", form=form)


@blueprint.post("/")
@needs(Permission.SIGNED_IN)
def choose() -> Response | tuple[str, int]:
    """Another one from now on."""
    form = _form()
    if not form.validate_on_submit():
        return render_template("account/unit/show.html", form=form), 422
    credit_unit(somebody().user_id, EasternUnitId(int(form.unit.data)) if form.unit.data else None, now=utc_now())
    flash(gettext("记下了，从下一单算起。") if form.unit.data else gettext("以后的单不算在哪个单位。"), "success")
    return go("account.unit.show")


def _form() -> UnitForm:
    form = UnitForm()
    form.unit.choices = [SelectChoice("", gettext("不算在哪个单位")), *(SelectChoice(str(unit.id), unit.name) for unit in list_units())]
    return form
