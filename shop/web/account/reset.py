"""A forgotten password: a letter with a link, and a new password.

Whoever asks is told the same, in the same time, whether anybody has the address.
"""

from flask import Blueprint, flash, render_template, request
from flask_babel import get_locale, gettext, lazy_gettext
from werkzeug.wrappers import Response
from wtforms import PasswordField, StringField

from shop.accounts import own, passwords
from shop.accounts.roles import Permission
from shop.extensions import limiter
from shop.kit.clock import utc_now
from shop.kit.ids import UserId
from shop.web.account.door import about_name, about_password, read_name
from shop.web.cooperative.fields import refuse
from shop.web.current import end_session, needs, settings
from shop.web.errors import go
from shop.web.form import Form

blueprint = Blueprint("reset", __name__)

_ID = "int(max=9223372036854775807)"


class ForgottenForm(Form):
    """Where the letter goes."""

    who = StringField(lazy_gettext("手机号或邮箱"))


class ResetForm(Form):
    """A new password."""

    new = PasswordField(lazy_gettext("新密码"))


@blueprint.route("/forgotten", methods=["GET", "POST"])
@needs(Permission.ANYONE)
@limiter.limit("5 per 10 minutes", methods=["POST"])
def forgotten() -> str | Response | tuple[str, int]:
    """Ask for the letter."""
    form = ForgottenForm()
    if not form.is_submitted():
        return render_template("account/reset/forgotten.html", form=form, is_asked=False)
    name = read_name(form.who.data or "")
    if name is None:
        refuse(form.who, about_name(form.who.data or ""))
        return render_template("account/reset/forgotten.html", form=form, is_asked=False), 422
    own.ask_for_reset(email=name.email, phone=name.phone, shop_secret=settings().secret_key, locale=str(get_locale()), now=utc_now())
    return render_template("account/reset/forgotten.html", form=form, is_asked=True)


@blueprint.route(f"/reset/<{_ID}:user_id>", methods=["GET", "POST"])
@needs(Permission.ANYONE)
@limiter.limit("20 per 5 minutes")
def new_password(user_id: int) -> str | Response | tuple[str, int]:
    """The link of the letter. Opening it changes nothing: messengers open links to draw a preview."""
    at = request.args.get("at", default=0, type=int)
    key = request.args.get("key", "")
    secret = settings().secret_key
    form = ResetForm()
    own.check_reset(UserId(user_id), at, key, shop_secret=secret, now=utc_now())
    if not form.is_submitted():
        return render_template("account/reset/new_password.html", form=form)
    if trouble := about_password(form.new.data or ""):
        refuse(form.new, trouble)
    if form.errors or not form.validate():
        return render_template("account/reset/new_password.html", form=form), 422
    own.reset_password(UserId(user_id), at, key, passwords.hash_password(form.new.data), shop_secret=secret, now=utc_now())
    end_session()
    flash(gettext("新密码设好了，所有设备都已退出，请用它登录。"), "success")
    return go("account.door.sign_in")
