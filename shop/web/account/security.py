"""How somebody gets in: password, address and number, second step, and the devices that are signed in.

Every change asks for the password once more, so that a telephone left on a table does not lock its owner out.
"""

from flask import Blueprint, flash, render_template, request, session
from flask_babel import get_locale, gettext, lazy_gettext
from werkzeug.wrappers import Response
from wtforms import PasswordField, StringField

from shop.accounts import own, passwords, sign_ins
from shop.accounts import service as accounts
from shop.accounts.errors import AlreadyKnown, WrongPassword
from shop.accounts.new_emails import ask_for_email, check_new_email, confirm_email, find_new_email
from shop.accounts.roles import Permission
from shop.accounts.two_factor import recovery_codes_left
from shop.extensions import limiter
from shop.kit.clock import utc_now
from shop.kit.ids import SignInId
from shop.web.account.door import LONGEST_PASSWORD, about_password, read_name
from shop.web.cooperative.fields import refuse
from shop.web.current import begin_session, needs, settings, somebody
from shop.web.errors import go
from shop.web.form import Form

blueprint = Blueprint("security", __name__, url_prefix="/security")

_ID = "int(max=9223372036854775807)"


class PasswordAgain(Form):
    """A change that asks for the password once more."""

    password = PasswordField(lazy_gettext("现在的密码"))

    def is_theirs(self) -> bool:
        """Whether it is the password; says beside the field that it is not."""
        if not self.password.data:
            refuse(self.password, gettext("写上现在的密码。"))
            return False
        try:
            accounts.check_again(somebody().user_id, self.password.data[:LONGEST_PASSWORD])
        except WrongPassword:
            refuse(self.password, gettext("密码不对，再试一次。"))
            return False
        return True


class NewPassword(PasswordAgain):
    """Another password."""

    new = PasswordField(lazy_gettext("新密码"))


class NewWord(PasswordAgain):
    """Another address or number."""

    word = StringField()


@blueprint.get("/")
@needs(Permission.SIGNED_IN)
def index() -> str:
    """What opens the account, and where it is open."""
    person = somebody()
    return render_template(
        "account/security/index.html",
        devices=sign_ins.open_sign_ins(person.user_id, now=utc_now()),
        new_email=find_new_email(person.user_id, now=utc_now()),
        codes_left=recovery_codes_left(person.user_id) if person.has_two_steps else 0,
    )


@blueprint.route("/password", methods=["GET", "POST"])
@needs(Permission.SIGNED_IN)
@limiter.limit("10 per 5 minutes", methods=["POST"])
def password() -> str | Response | tuple[str, int]:
    """Another password; every other device is signed out."""
    form = NewPassword()
    if not form.is_submitted():
        return _page(form, "password")
    if trouble := about_password(form.new.data or ""):
        refuse(form.new, trouble)
    if form.errors or not form.validate() or not form.is_theirs():
        return _page(form, "password"), 422
    person = somebody()
    own.change_password(person.user_id, passwords.hash_password(form.new.data), kept=person.sign_in_id, now=utc_now())
    begin_session(person.user_id, is_kept=session.permanent, instead_of=person.sign_in_id)
    flash(gettext("密码换好了，别的设备都已退出。"), "success")
    return go("account.security.index")


@blueprint.route("/email", methods=["GET", "POST"])
@needs(Permission.SIGNED_IN)
@limiter.limit("10 per 5 minutes", methods=["POST"])
def email() -> str | Response | tuple[str, int]:
    """Another address to sign in by, or none."""
    form = NewWord()
    if not form.is_submitted():
        form.word.data = somebody().email
        return _page(form, "email")
    typed = (form.word.data or "").strip()
    name = read_name(typed)
    if typed and (name is None or name.email is None):
        refuse(form.word, gettext("这不像邮箱，检查一下。"))
    if name is None or name.email is None:
        return _change(form, "email", None)
    if form.errors or not form.validate() or not form.is_theirs():
        return _page(form, "email"), 422
    if name.email == somebody().email:
        flash(gettext("现在用的就是它。"), "info")
        return go("account.security.index")
    ask_for_email(somebody().user_id, name.email, locale=str(get_locale()), now=utc_now())
    flash(gettext("信寄到新邮箱了。点里面的链接，才算改好；一天内有效。"), "success")
    return go("account.security.index")


@blueprint.route("/email/confirm", methods=["GET", "POST"])
@needs(Permission.SIGNED_IN)
@limiter.limit("20 per 5 minutes")
def confirm() -> str | Response:
    """The link of the letter to a new address, for whoever asked for it. Opening it changes nothing."""
    user_id, key, secret = somebody().user_id, request.args.get("key", ""), settings().secret_key
    email = check_new_email(user_id, key, shop_secret=secret, now=utc_now())
    if request.method == "GET":
        return render_template("account/security/confirm_email.html", email=email)
    confirm_email(user_id, key, shop_secret=secret, now=utc_now())
    flash(gettext("改好了，下次就用新的登录。"), "success")
    return go("account.security.index")


@blueprint.route("/phone", methods=["GET", "POST"])
@needs(Permission.SIGNED_IN)
@limiter.limit("10 per 5 minutes", methods=["POST"])
def phone() -> str | Response | tuple[str, int]:
    """Another number to sign in by, or none."""
    form = NewWord()
    if not form.is_submitted():
        form.word.data = somebody().phone
        return _page(form, "phone")
    typed = (form.word.data or "").strip()
    name = read_name(typed)
    if typed and (name is None or name.phone is None):
        refuse(form.word, gettext("手机号是 11 位，1 开头，检查一下。"))
    return _change(form, "phone", name.phone if name else None)


def _change(form: NewWord, what: str, value: str | None) -> str | Response | tuple[str, int]:
    if form.errors or not form.validate() or not form.is_theirs():
        return _page(form, what), 422
    try:
        if what == "email":
            own.drop_email(somebody().user_id, now=utc_now())
        else:
            own.change_phone(somebody().user_id, value, now=utc_now())
    except AlreadyKnown:
        refuse(form.word, gettext("这个号已经有账户了。"))
        return _page(form, what), 422
    except own.NoOtherWayIn:
        refuse(form.word, gettext("邮箱和手机号要留一个，不然就登录不了了。"))
        return _page(form, what), 422
    flash(gettext("改好了，下次就用新的登录。") if value else gettext("已经去掉。"), "success")
    return go("account.security.index")


@blueprint.post(f"/devices/<{_ID}:sign_in_id>/end")
@needs(Permission.SIGNED_IN)
def end_device(sign_in_id: int) -> Response:
    """Sign one device out."""
    sign_ins.end_sign_in(somebody().user_id, SignInId(sign_in_id), now=utc_now())
    flash(gettext("那台设备已退出。"), "success")
    return go("account.security.index")


@blueprint.post("/devices/end-others")
@needs(Permission.SIGNED_IN)
def end_others() -> Response:
    """Sign every other device out."""
    person = somebody()
    count = sign_ins.end_other_sign_ins(person.user_id, person.sign_in_id, now=utc_now())
    flash(gettext("别的 %(count)s 台设备都已退出。", count=count), "success")
    return go("account.security.index")


def _page(form: PasswordAgain, what: str) -> str:
    return render_template("account/security/change.html", form=form, what=what)
