"""Who is behind this request, in which language, with how full a basket; and what a page asks of them."""

from collections.abc import Callable
from dataclasses import dataclass
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
from shop.accounts.roles import Permission, permissions_of
from shop.cart import queries as carts
from shop.cart.queries import CartOwner
from shop.kit.errors import NotFound
from shop.kit.ids import CooperativeId, EasternUnitId, UserId
from shop.origin import queries as origin

LOCALES = ("zh", "en")
TYPE_COOKIE, LARGE = "shanhai-type", "large"
"""Kept by the browser of whoever chose large letters; everybody else has no such cookie."""


@dataclass(frozen=True)
class SignedIn(UserMixin):  # type: ignore[misc]  # Flask-Login ships no types
    """The person behind this request, as a frozen value: reading it never opens a transaction."""

    user_id: UserId
    session_id: str
    name: str
    email: str | None
    phone: str | None
    locale: str
    eastern_unit_id: EasternUnitId | None
    permissions: frozenset[Permission]
    cooperative_ids: tuple[CooperativeId, ...]

    def get_id(self) -> str:
        """What Flask-Login keeps in the session: the user, and the stamp that a new password changes."""
        return self.session_id

    def may(self, permission: Permission) -> bool:
        """Whether this person may ask for it."""
        return permission in self.permissions

    @property
    def is_staff(self) -> bool:
        """Whether the staff's desk is open to them."""
        return Permission.DESK in self.permissions

    @property
    def is_cooperative(self) -> bool:
        """Whether they work for a cooperative."""
        return bool(self.cooperative_ids)


def load_signed_in(session_id: str) -> SignedIn | None:
    """Flask-Login's user loader. None when the account is gone, or its password has changed since the session began."""
    user_id, _, stamp = session_id.partition(".")
    if not (user_id.isascii() and user_id.isdecimal()):
        return None
    person = find_signed_in(UserId(int(user_id)))
    return person if person and person.session_id == f"{user_id}.{stamp}" else None


def find_signed_in(user_id: UserId) -> SignedIn | None:
    """The person as a request sees them, unless deleted, or a demo account where demo accounts are refused."""
    account = accounts.find_account(user_id)
    if account is None or (account.is_demo and not settings().is_demo):
        return None
    cooperative_ids = origin.cooperatives_of(user_id)
    return SignedIn(
        user_id=account.id,
        session_id=f"{account.id}.{account.session_stamp}",
        name=account.name,
        email=account.email,
        phone=account.phone,
        locale=account.locale,
        eastern_unit_id=account.eastern_unit_id,
        permissions=permissions_of(account.roles, is_member=bool(cooperative_ids)),
        cooperative_ids=cooperative_ids,
    )


def signed_in() -> SignedIn | None:
    """The person behind this request, or None for a guest."""
    if g.get("is_broken"):
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


def begin_session(person: SignedIn) -> None:
    """Sign in on a fresh session: whatever stood in the old one, except language, is gone, so a fixed session is worth nothing."""
    locale = session.get("locale")
    session.clear()
    if locale:
        session["locale"] = locale
    session.permanent = True
    login_user(person)


def end_session() -> None:
    """Sign out; the language stays."""
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
