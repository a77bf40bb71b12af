"""The door: signing in, signing up, signing out.

A wrong name and a wrong password get one answer, which takes as long; too many tries in a row get none for a while.
"""

import re
from dataclasses import dataclass
from datetime import timedelta

from flask import Blueprint, flash, redirect, render_template, request, session
from flask_babel import get_locale, gettext, lazy_gettext
from werkzeug.wrappers import Response
from wtforms import BooleanField, PasswordField, StringField

from shop.accounts import passwords
from shop.accounts import service as accounts
from shop.accounts.errors import WrongPassword
from shop.accounts.roles import Permission
from shop.accounts.sign_ups import ask_to_sign_up, finish_sign_up, get_sign_up
from shop.cart import service as carts
from shop.extensions import limiter
from shop.kit.clock import utc_now
from shop.kit.ids import SignUpId, UserId
from shop.kit.phones import digits_of, find_mobile
from shop.kit.text import fold
from shop.web.current import SignedIn, begin_session, end_session, needs, settings, signed_in
from shop.web.errors import go
from shop.web.form import Form
from shop.web.typed import clean

blueprint = Blueprint("door", __name__)

LONGEST_PASSWORD = 200
"""Longer ones would only cost us time to hash."""
_ID = "int(max=9223372036854775807)"
_EMAIL = re.compile(r"[^@\s,;<>\"]+@[^@\s,;<>\"]+\.[^@\s,;<>\".]+")


class SignInForm(Form):
    """Who, and a password."""

    who = StringField(lazy_gettext("手机号或邮箱"))
    password = PasswordField(lazy_gettext("密码"))
    keep = BooleanField(lazy_gettext("这台设备记住我 30 天"), default=True)


class SignUpForm(Form):
    """Who, a password of one's own, and consent."""

    who = StringField(lazy_gettext("手机号或邮箱"))
    password = PasswordField(lazy_gettext("密码"))
    call = StringField(lazy_gettext("怎么称呼"))
    agree = BooleanField(lazy_gettext("我看过个人信息怎么用，同意用来下单和送货。"))


class FinishForm(Form):
    """The password that was typed, once more."""

    password = PasswordField(lazy_gettext("密码"))


@dataclass(frozen=True)
class Name:
    """What somebody signs in by: exactly one of the two."""

    email: str | None = None
    phone: str | None = None


@blueprint.route("/sign-in", methods=["GET", "POST"])
@needs(Permission.ANYONE)
@limiter.limit("10 per 5 minutes", methods=["POST"])
def sign_in() -> str | Response | tuple[str, int]:
    """Sign in by mobile number or e-mail, and go on to where one was going."""
    form = SignInForm()
    if request.method == "GET":
        return _way_on() if signed_in() else _sign_in_page(form)
    name = read_name(form.who.data or "")
    if not form.who.data:
        form.who.errors = [gettext("写上手机号或邮箱。")]
    if not form.password.data:
        form.password.errors = [gettext("写上密码。")]
    if form.errors:
        return _sign_in_page(form), 422
    try:
        if name is None:
            raise WrongPassword
        known = accounts.check_password(
            email=name.email, phone=name.phone, password=form.password.data[:LONGEST_PASSWORD], allow_demo=settings().is_demo
        )
    except WrongPassword:
        form.password.errors = [gettext("手机号、邮箱或密码不对。两样都看一眼再试。")]
        return _sign_in_page(form), 422
    if known.has_two_steps:
        ask_second_step(known.user_id, is_kept=bool(form.keep.data), way_on=local_address(request.values.get("next", "")))
        return go("account.two_factor.second_step")
    return way_on_of(enter(known.user_id, is_kept=bool(form.keep.data)))


@blueprint.route("/sign-up", methods=["GET", "POST"])
@needs(Permission.ANYONE)
@limiter.limit("10 per 5 minutes", methods=["POST"])
def sign_up() -> str | Response | tuple[str, int]:
    """Ask for an account. Everybody is told the same, in the same time: whether there is one already stands in the letter alone."""
    form = SignUpForm()
    if request.method == "GET":
        return _way_on() if signed_in() else _sign_up_page(form)
    name = read_name(form.who.data or "")
    if name is None:
        form.who.errors = [about_name(form.who.data or "")]
    password = form.password.data or ""
    if trouble := about_password(password):
        form.password.errors = [trouble]
    if len(form.call.data or "") > 60:
        form.call.errors = [gettext("最多 60 字。")]
    if not form.agree.data:
        form.agree.errors = [gettext("要同意才能开账户；不开账户也能买。")]
    if form.errors or name is None:
        return _sign_up_page(form), 422
    ask_to_sign_up(
        email=name.email,
        phone=name.phone,
        password_hash=passwords.hash_password(password),
        name=clean(form.call.data, most=60),
        locale=str(get_locale()),
        now=utc_now(),
    )
    session["sign_up_next"] = local_address(request.values.get("next", "")) or ""
    return render_template("account/door/asked.html")


@blueprint.route(f"/sign-up/<{_ID}:sign_up_id>", methods=["GET", "POST"])
@needs(Permission.ANYONE)
@limiter.limit("10 per 5 minutes", methods=["POST"])
def finish(sign_up_id: int) -> str | Response | tuple[str, int]:
    """The link of the letter: with the password once more the account is open. Opening the link changes nothing: messengers open links to draw a preview."""
    if request.method == "GET" and signed_in():
        return _way_on()
    key, secret, form = request.args.get("key", ""), settings().secret_key, FinishForm()
    found = get_sign_up(SignUpId(sign_up_id), key, shop_secret=secret, now=utc_now())
    page = {"form": form, "to": found.email or found.phone}
    if request.method == "GET":
        return render_template("account/door/finish.html", **page)
    password = form.password.data or ""
    try:
        user_id = finish_sign_up(found.id, key, password[:LONGEST_PASSWORD], shop_secret=secret, now=utc_now())
    except WrongPassword:
        form.password.errors = [gettext("密码不对，要和注册时写的一样。")]
        return render_template("account/door/finish.html", **page), 422
    way_on = session.get("sign_up_next", "")
    answer = way_on_of(enter(user_id, is_kept=True), way_on)
    flash(gettext("账户开好了。"), "success")  # into the session that has just begun
    return answer


@blueprint.post("/sign-out")
@needs(Permission.ANYONE)
def sign_out() -> Response:
    """Leave; the language stays."""
    end_session()
    flash(gettext("已退出。"), "success")
    return go("storefront.home.index")


def read_name(typed: str) -> Name | None:
    """A mobile number or an e-mail address as people type them; None if it is neither."""
    if phone := find_mobile(typed):
        return Name(phone=phone)
    email = fold(typed).lower()
    return Name(email=email) if len(email) <= 254 and email.isprintable() and _EMAIL.fullmatch(email) else None


def about_password(password: str) -> str:
    """What is wrong with a new password; nothing when it will do."""
    if len(password) < passwords.SHORTEST:
        return str(
            gettext("太短了，这里有 %(count)s 位，至少要 %(least)s 位。可以是一句话。", count=len(password), least=passwords.SHORTEST)
        )
    return str(gettext("太长了，最多 %(most)s 位。", most=LONGEST_PASSWORD)) if len(password) > LONGEST_PASSWORD else ""


def about_name(typed: str) -> str:
    """What is wrong with an address or number that is none."""
    if not typed.strip():
        return str(gettext("写上手机号或邮箱。"))
    if "@" not in fold(typed) and (count := digits_of(typed)) != 11:
        return str(gettext("手机号是 11 位，这里有 %(count)s 位；也可以写邮箱。", count=count))
    return str(gettext("这不像手机号，也不像邮箱，检查一下。"))


def enter(user_id: UserId, *, is_kept: bool) -> SignedIn:
    """Begin a fresh session and bring the guest's basket along."""
    basket = session.get("cart")
    person = begin_session(user_id, is_kept=is_kept)
    if basket:
        carts.merge(str(basket), user_id, utc_now())
    return person


def way_on_of(person: SignedIn, address: str = "") -> Response:
    """To where one was going, else to one's own place."""
    return _way_on(address, is_staff=person.is_staff, is_cooperative=person.is_cooperative)


def _way_on(address: str = "", *, is_staff: bool = False, is_cooperative: bool = False) -> Response:
    """To where one was going, if that is an address of ours; else to one's own place."""
    if local := local_address(address or request.values.get("next", "")):
        return redirect(local, 303)
    if is_staff:
        return go("staff.desk.index")
    return go("cooperative.today.index" if is_cooperative else "account.orders.index")


# ── Between the two steps ─────────────────────────────────────────────────────────────────────────────────────────────

_BETWEEN_STEPS = timedelta(minutes=10)


@dataclass(frozen=True)
class HalfIn:
    """Somebody whose password was right, and whose code is asked for."""

    user_id: UserId
    is_kept: bool
    way_on: str


def ask_second_step(user_id: UserId, *, is_kept: bool, way_on: str | None) -> None:
    """Remember for ten minutes, in the signed session, that the password was right. Nobody is signed in by that."""
    session["half_in"] = {"user": user_id, "kept": is_kept, "next": way_on or "", "at": int(utc_now().timestamp())}


def half_in() -> HalfIn | None:
    """Whoever stands between the two steps in this browser."""
    kept = session.get("half_in")
    if not isinstance(kept, dict) or utc_now().timestamp() - kept["at"] > _BETWEEN_STEPS.total_seconds():
        return None
    return HalfIn(UserId(int(kept["user"])), bool(kept["kept"]), str(kept["next"]))


def local_address(address: str) -> str | None:
    """`address` if it leads to a page of this shop: an absolute path, and nothing a browser reads as another host."""
    is_path = address.startswith("/") and not address.startswith(("//", "/\\"))
    return address if is_path and address.isprintable() and "\\" not in address and len(address) <= 2000 else None


def _sign_in_page(form: SignInForm) -> str:
    return render_template("account/door/sign_in.html", form=form, next=local_address(request.values.get("next", "")) or "")


def _sign_up_page(form: SignUpForm) -> str:
    return render_template("account/door/sign_up.html", form=form, next=local_address(request.values.get("next", "")) or "")
