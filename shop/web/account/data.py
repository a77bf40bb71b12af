"""My data: what is known of me as a file, what I agreed to, and being forgotten."""

from flask import Blueprint, Response, flash, render_template
from flask_babel import gettext, lazy_gettext
from werkzeug.wrappers import Response as AnyResponse
from wtforms import PasswordField

from shop.accounts import service as accounts
from shop.accounts.consent import consents_of
from shop.accounts.errors import WrongPassword
from shop.accounts.roles import Permission
from shop.acts.personal_data import (
    THINK_IT_OVER,
    NotForgottenYet,
    Person,
    ask_to_be_forgotten,
    copy_of,
    find_asked,
    open_matters,
    stay,
)
from shop.extensions import limiter
from shop.kit.clock import utc_now
from shop.web.current import needs, settings, somebody
from shop.web.errors import go
from shop.web.form import Form
from shop.web.personal_words import copy_file, said_matters

blueprint = Blueprint("data", __name__, url_prefix="/data")


class ForgetForm(Form):
    """Being forgotten asks for the password again."""

    password = PasswordField(lazy_gettext("密码"))


@blueprint.get("/")
@needs(Permission.SIGNED_IN)
def show() -> str:
    """What is known of me, and what I can do about it."""
    return _page(ForgetForm(formdata=None))


@blueprint.get("/copy.zip")
@needs(Permission.SIGNED_IN)
@limiter.limit("6 per hour")
def copy() -> Response:
    """Everything, machine-readable."""
    content = copy_of(_me(), instance_path=settings().instance_path, now=utc_now())
    return copy_file(content, "shanhai-my-data")


@blueprint.post("/forget")
@needs(Permission.SIGNED_IN)
@limiter.limit("10 per 5 minutes")
def forget() -> AnyResponse | str | tuple[str, int]:
    """Ask to be forgotten; nothing is emptied before the time to think it over has passed."""
    form, person = ForgetForm(), somebody()
    try:
        accounts.check_password(
            email=person.email,
            phone=None if person.email else person.phone,
            password=(form.password.data or "")[:200],
            allow_demo=settings().is_demo,
        )
        asked = ask_to_be_forgotten(_me(), now=utc_now())
    except WrongPassword:
        form.password.errors = [gettext("密码不对，什么都没有改动。")]
        return _page(form), 422
    except NotForgottenYet:
        flash(gettext("还不能删，原因在下面。"), "warning")
        return go("account.data.show")
    flash(gettext("记下了。%(days)s 天以后删，在那以前随时可以改主意。", days=(asked.due_at - asked.asked_at).days), "success")
    return go("account.data.show")


@blueprint.post("/stay")
@needs(Permission.SIGNED_IN)
def keep() -> AnyResponse:
    """Think better of it."""
    stay(_me(), now=utc_now())
    flash(gettext("不删了，一切照旧。"), "success")
    return go("account.data.show")


def _me() -> Person:
    return Person(user_id=somebody().user_id)


def _page(form: ForgetForm) -> str:
    return render_template(
        "account/data/show.html",
        form=form,
        asked=find_asked(_me()),
        matters=said_matters(open_matters(_me())),
        consents=consents_of(somebody().user_id),
        days=THINK_IT_OVER.days,
    )
