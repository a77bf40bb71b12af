"""Who is behind this request, in which language, with how full a basket; and what a page asks of them."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import wraps
from hashlib import blake2s
from pathlib import Path
from typing import ParamSpec, TypeVar, cast

from flask import current_app, flash, g, redirect, request, session, url_for
from flask_babel import get_locale, gettext
from flask_login import UserMixin, current_user, login_user, logout_user
from werkzeug.wrappers import Response

from config import Config
from shop.accounts import queries as accounts
from shop.accounts import sign_ins
from shop.accounts.roles import TWO_STEPS, Permission, permissions_of
from shop.cart import queries as carts
from shop.cart.queries import CartOwner
from shop.kit.clock import utc_now
from shop.kit.errors import NotFound
from shop.kit.ids import CooperativeId, EasternUnitId, SignInId, UserId
from shop.origin import queries as origin
from shop.web.browsers import device_words

LOCALES = ("zh", "en")
TYPE_COOKIE, LARGE = "shanhai-type", "large"
"""Kept by the browser of whoever chose large letters; everybody else has no such cookie."""


@dataclass(frozen=True)
class SignedIn(UserMixin):  # type: ignore[misc]  # Flask-Login ships no types
    """The person behind this request, as a frozen value: reading it never opens a transaction."""

    user_id: UserId
    session_id: str
    sign_in_id: SignInId
    name: str
    email: str | None
    phone: str | None
    locale: str
    eastern_unit_id: EasternUnitId | None
    permissions: frozenset[Permission]
    withheld: frozenset[Permission]
    """What their roles give them once two-step sign-in is set up; nothing when it is, or need not be."""
    has_two_steps: bool
    needs_two_steps: bool
    cooperative_ids: tuple[CooperativeId, ...]

    def get_id(self) -> str:
        """What Flask-Login keeps in the session: the user, and the key of the device."""
        return self.session_id

    def may(self, permission: Permission) -> bool:
        """Whether this person may ask for it."""
        return permission in self.permissions

    @property
    def is_staff(self) -> bool:
        """Whether the staff's desk is open to them, or will be once they have set up two-step sign-in."""
        return Permission.DESK in self.permissions | self.withheld

    @property
    def is_cooperative(self) -> bool:
        """Whether they work for a cooperative."""
        return bool(self.cooperative_ids)


def load_signed_in(session_id: str) -> SignedIn | None:
    """Flask-Login's user loader. None when the account is gone or closed, or the device was signed out.

    None too for a demo account where demo accounts are refused.
    """
    user_id, _, key = session_id.partition(".")
    if not (user_id.isascii() and user_id.isdecimal()):
        return None
    now = utc_now()
    device = accounts.find_device(UserId(int(user_id)), sign_ins.hash_key(key), now=now)
    if device is None or (device.account.is_demo and not settings().is_demo):
        return None
    if now - device.seen_at > SEEN_EVERY:
        g.seen = (device.sign_in_id, now)
    account = device.account
    cooperative_ids = origin.cooperatives_of(account.id)
    needs_two_steps = bool(account.roles & TWO_STEPS) and not account.is_demo
    lacks_it = needs_two_steps and not account.has_two_steps
    granted = permissions_of(account.roles, is_member=bool(cooperative_ids))
    without = permissions_of(frozenset(), is_member=bool(cooperative_ids))
    return SignedIn(
        user_id=account.id,
        session_id=session_id,
        sign_in_id=device.sign_in_id,
        name=account.name,
        email=account.email,
        phone=account.phone,
        locale=account.locale,
        eastern_unit_id=account.eastern_unit_id,
        permissions=without if lacks_it else granted,
        withheld=granted - without if lacks_it else frozenset(),
        has_two_steps=account.has_two_steps,
        needs_two_steps=needs_two_steps,
        cooperative_ids=cooperative_ids,
    )


SEEN_EVERY = timedelta(minutes=15)
"""How exactly the list of devices says when one was last here; so often a page costs a write."""


def note_seen(response: Response) -> Response:
    """After a request: write down that the device was here, if that was long ago."""
    seen: tuple[SignInId, datetime] | None = g.pop("seen", None)
    if seen is not None and not g.get("is_broken"):
        sign_ins.note_seen(seen[0], now=seen[1])
    return response


def signed_in() -> SignedIn | None:
    """The person behind this request, or None for a guest, for whom Flask-Login is not even asked."""
    if "_user_id" not in session or g.get("is_broken"):
        return None
    return cast(SignedIn, current_user._get_current_object()) if current_user.is_authenticated else None


def ask_no_more() -> None:
    """Something is broken, perhaps the database: draw the page that says so for a guest with an empty basket, asking nobody."""
    g.is_broken = True
    g.basket_units = 0


def somebody() -> SignedIn:
    """The person behind a request to an address that needs one."""
    person = signed_in()
    assert person is not None, "the address asks for a permission that a guest does not have"
    return person


def begin_session(user_id: UserId, *, is_kept: bool, instead_of: SignInId | None = None) -> SignedIn:
    """Sign in on a fresh session: whatever stood in the old one, except language, is gone, so a fixed session is worth nothing.

    `instead_of`: the device goes on under a new key.
    """
    key = sign_ins.begin_sign_in(user_id, device=device_words(), instead_of=instead_of, now=utc_now())
    locale = session.get("locale")
    session.clear()
    if locale:
        session["locale"] = locale
    session.permanent = is_kept
    person = load_signed_in(f"{user_id}.{key}")
    assert person is not None, "whoever has just shown who they are is there"
    login_user(person)
    return person


def end_session() -> None:
    """Sign this device out; the language stays."""
    if person := signed_in():
        with suppress(NotFound):  # from another device, a moment ago
            sign_ins.end_sign_in(person.user_id, person.sign_in_id, now=utc_now())
    locale = session.get("locale")
    logout_user()
    session.clear()
    if locale:
        session["locale"] = locale


# ── Permission ────────────────────────────────────────────────────────────────────────────────────────────────────────

P = ParamSpec("P")
R = TypeVar("R")


def needs(permission: Permission) -> Callable[[Callable[P, R]], Callable[P, R | Response]]:
    """Say what an address asks for. A test walks the URL map and fails until every handler says so.

    A guest is sent to sign in and comes back; somebody signed in who may not is told that there is no such page.
    """

    def decorate(handler: Callable[P, R]) -> Callable[P, R | Response]:
        @wraps(handler)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R | Response:
            if permission in (Permission.ANYONE, Permission.PROVIDER):
                return handler(*args, **kwargs)
            person = signed_in()
            if person is None:
                flash(gettext("请先登录，再看这一页。"), "info")
                back = request.full_path.rstrip("?") if request.method == "GET" else None
                return redirect(url_for("account.door.sign_in", next=back), 303)
            if permission in person.withheld:
                flash(gettext("你的角色要先设好两步验证，才打得开这一页。"), "info")
                return redirect(url_for("account.two_factor.index"), 303)
            if not person.may(permission):
                raise NotFound
            return handler(*args, **kwargs)

        checked.permission = permission  # type: ignore[attr-defined]  # read by the test of the URL map
        return checked

    return decorate


# ── Language and what every page shows ────────────────────────────────────────────────────────────────────────────────


def choose_locale() -> str:
    """The language: chosen by hand, else the account's, else the browser's, else Chinese."""
    chosen = session.get("locale")
    if chosen in LOCALES:
        return str(chosen)
    if (person := signed_in()) and person.locale in LOCALES:
        return person.locale
    return request.accept_languages.best_match(LOCALES, default="zh") or "zh"


def way_back(address: str) -> str:
    """`address` if it is a path of this shop, else the home page.

    Browsers read `//host` and `/\\host` as other hosts, and drop tabs and line ends before they read.
    """
    is_local = address.startswith("/") and not address.startswith(("//", "/\\")) and address.isprintable()
    return address.rstrip("?") if is_local else url_for("storefront.home.index")


def cart_owner() -> CartOwner | None:
    """Whose basket this request means; None when a guest has not begun one."""
    if person := signed_in():
        return CartOwner(user_id=person.user_id)
    key = session.get("cart")
    return CartOwner(key=str(key)) if key else None


def settings() -> Config:
    """The shop's settings."""
    return cast(Config, current_app.config["SHOP"])


def common_variables() -> dict[str, object]:
    """What the layouts need in every template."""
    owner = cart_owner()
    if "basket_units" not in g:
        g.basket_units = carts.count_units(owner) if owner else 0
    return {
        "signed_in": signed_in(),
        "basket_units": g.basket_units,
        "is_large": request.cookies.get(TYPE_COOKIE) == LARGE,
        "html_lang": "en" if str(get_locale()) == "en" else "zh-Hans",
        "legal": settings().legal,
        "static_url": static_url,
        "demo": settings().is_demo,
        "shop_name": gettext("山海集"),
    }


_static_versions: dict[str, str] = {}


def static_url(path: str) -> str:
    """The address of a static file, with a piece of its content's hash, so that browsers may keep it for a year."""
    if path not in _static_versions or current_app.debug:
        content = (Path(cast(str, current_app.static_folder)) / path).read_bytes()
        _static_versions[path] = f"/static/{path}?v={blake2s(content, digest_size=5).hexdigest()}"
    return _static_versions[path]
