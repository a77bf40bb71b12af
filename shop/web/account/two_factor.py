"""Two-step sign-in: setting it up, and the second step of signing in."""

import segno
from flask import Blueprint, flash, render_template, session
from flask_babel import gettext, lazy_gettext
from markupsafe import Markup
from werkzeug.wrappers import Response
from wtforms import StringField

from shop.accounts import codes, two_factor
from shop.accounts.errors import WrongCode
from shop.accounts.roles import Permission
from shop.extensions import limiter
from shop.kit.clock import utc_now
from shop.web.account.door import enter, half_in, way_on_of
from shop.web.account.security import PasswordAgain
from shop.web.cooperative.fields import refuse
from shop.web.current import begin_session, needs, settings, somebody
from shop.web.errors import go
from shop.web.filters import moment
from shop.web.form import Form

blueprint = Blueprint("two_factor", __name__)


class CodeForm(Form):
    """Six digits from the telephone, or a code from paper."""

    code = StringField(lazy_gettext("验证码"))


# ── The second step ───────────────────────────────────────────────────────────────────────────────────────────────────


@blueprint.route("/sign-in/code", methods=["GET", "POST"])
@needs(Permission.ANYONE)
@limiter.limit("20 per 5 minutes", methods=["POST"])
def second_step() -> str | Response | tuple[str, int]:
    """The password was right; now the code. Then a fresh session begins."""
    waiting = half_in()
    if waiting is None:
        flash(gettext("从密码重新来一次。"), "info")
        return go("account.door.sign_in")
    form = CodeForm()
    if not form.is_submitted():
        return render_template("account/two_factor/second_step.html", form=form)
    try:
        two_factor.check_code(waiting.user_id, (form.code.data or "")[:40], shop_secret=settings().secret_key, now=utc_now())
    except WrongCode as wrong:
        refuse(form.code, _why(wrong))
        return render_template("account/two_factor/second_step.html", form=form), 422
    return way_on_of(enter(waiting.user_id, is_kept=waiting.is_kept), waiting.way_on)


def _why(wrong: WrongCode) -> str:
    if wrong.locked_until:
        return str(gettext("错得太多了，%(time)s 以后再试。", time=moment(wrong.locked_until)))
    return str(gettext("不对，或者已经用过。等手机上换了新的再试。"))


# ── Setting it up ─────────────────────────────────────────────────────────────────────────────────────────────────────


@blueprint.get("/two-steps/")
@needs(Permission.SIGNED_IN)
def index() -> str | Response:
    """How things stand: not set up, waiting for the telephone, or in use."""
    person = somebody()
    if not person.has_two_steps and two_factor.find_enrolment(person.user_id, shop_secret=settings().secret_key):
        return go("account.two_factor.confirm")
    return _index(PasswordAgain())


def _index(form: PasswordAgain) -> str:
    person = somebody()
    left = two_factor.recovery_codes_left(person.user_id) if person.has_two_steps else 0
    return render_template("account/two_factor/index.html", form=form, codes_left=left)


@blueprint.post("/two-steps/begin")
@needs(Permission.SIGNED_IN)
@limiter.limit("10 per 5 minutes")
def begin() -> Response | tuple[str, int]:
    """Draw the secret, after the password once more."""
    form = PasswordAgain()
    if not form.validate() or not form.is_theirs():
        return _index(form), 422
    two_factor.begin(somebody().user_id, shop_secret=settings().secret_key, now=utc_now())
    return go("account.two_factor.confirm")


@blueprint.route("/two-steps/confirm", methods=["GET", "POST"])
@needs(Permission.SIGNED_IN)
@limiter.limit("20 per 5 minutes", methods=["POST"])
def confirm() -> str | Response | tuple[str, int]:
    """The code to scan, and the field that shows that it was. Then the device goes on under a new key."""
    person = somebody()
    enrolment = two_factor.find_enrolment(person.user_id, shop_secret=settings().secret_key)
    if enrolment is None:
        return go("account.two_factor.index")
    form = CodeForm()
    if not form.is_submitted():
        return _confirm_page(form, enrolment.secret)
    typed = "".join(sign for sign in (form.code.data or "") if sign.isdecimal())[:10]
    try:
        drawn = two_factor.confirm(person.user_id, typed, shop_secret=settings().secret_key, now=utc_now())
    except WrongCode as wrong:
        refuse(form.code, _why(wrong))
        return _confirm_page(form, enrolment.secret), 422
    begin_session(person.user_id, is_kept=session.permanent, instead_of=person.sign_in_id)
    return render_template("account/two_factor/codes.html", codes=drawn, is_new=True)


def _confirm_page(form: CodeForm, secret: str) -> str:
    person = somebody()
    address = codes.enrolment_address(secret, person.email or person.phone or str(person.user_id))
    picture = segno.make(address, error="m").svg_data_uri(scale=5, border=2, dark="#1F2A24", light="#FFFFFF")
    spelled = " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))
    return render_template("account/two_factor/confirm.html", form=form, picture=Markup(picture), address=address, spelled=spelled)


@blueprint.post("/two-steps/codes")
@needs(Permission.SIGNED_IN)
@limiter.limit("10 per 5 minutes")
def draw_codes() -> str | Response | tuple[str, int]:
    """New codes for paper; they are shown on this answer and never again."""
    form = PasswordAgain()
    if not somebody().has_two_steps:
        return go("account.two_factor.index")
    if not form.validate() or not form.is_theirs():
        return _index(form), 422
    drawn = two_factor.draw_recovery_codes(somebody().user_id, shop_secret=settings().secret_key, now=utc_now())
    return render_template("account/two_factor/codes.html", codes=drawn, is_new=False)


@blueprint.post("/two-steps/off")
@needs(Permission.SIGNED_IN)
@limiter.limit("10 per 5 minutes")
def turn_off() -> Response | tuple[str, int]:
    """Do without it, if one's roles let one."""
    form = PasswordAgain()
    if somebody().needs_two_steps:
        form.form_errors.append(gettext("你的角色要用两步验证，不能关。"))
        return _index(form), 422
    if not form.validate() or not form.is_theirs():
        return _index(form), 422
    two_factor.do_without(somebody().user_id, now=utc_now())
    flash(gettext("两步验证关了。"), "success")
    return go("account.security.index")
