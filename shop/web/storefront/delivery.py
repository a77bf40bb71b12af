"""Which city a page tells carriage and arrival for: chosen by hand, else that of the buyer's first address, else Kunshan.

Remembered in the session; an order asks for its own address.
"""

from functools import lru_cache

from flask import Blueprint, redirect, render_template, request, session
from flask_babel import gettext
from markupsafe import Markup
from werkzeug.wrappers import Response

from shop.accounts.queries import addresses_of
from shop.accounts.roles import Permission
from shop.kit.regions import cities, find_place, provinces, region_name, region_path
from shop.web.address_form import KUNSHAN
from shop.web.current import needs, signed_in, way_back

blueprint = Blueprint("delivery", __name__, url_prefix="/delivery")

_ONLY_A_HEADING = ("市辖区", "县")


@blueprint.get("/")
@needs(Permission.ANYONE)
def show() -> str:
    """The list of cities."""
    return _page(request.args.get("back", ""), place_shown())


@blueprint.post("/")
@needs(Permission.ANYONE)
def choose() -> Response | tuple[str, int]:
    """Remember the city, and go back to where one was."""
    code, back = request.form.get("city", ""), request.form.get("back", "")
    if not region_path(code):
        return _page(back, "", gettext("从单子里选一个城市。")), 422
    session["to"] = code
    return redirect(way_back(back), 303)


def place_shown() -> str:
    """The six digits of the place that carriage is told for. Asks for the address book once in a session of somebody signed in."""
    chosen = session.get("to")
    if isinstance(chosen, str) and region_path(chosen):
        return chosen
    if (person := signed_in()) is None:
        return KUNSHAN
    book = addresses_of(person.user_id)
    session["to"] = book[0].district_code if book and region_path(book[0].district_code) else KUNSHAN
    return str(session["to"])


def city_chosen() -> str:
    """The city, or the province without parts, that was chosen by hand; '' if none was."""
    chosen = session.get("to")
    if not isinstance(chosen, str) or not region_path(chosen):
        return ""
    place = find_place(chosen)
    return chosen if place is None or place.city.code == chosen else ""  # a district was only shown, not chosen


def place_name(code: str) -> str:
    """As short as it is clear: 苏州市昆山市 for a district, 江苏省苏州市 for a city."""
    path = [region.name for region in region_path(code) if region.name not in _ONLY_A_HEADING]
    return "".join(dict.fromkeys(path[-2:])) or region_name(code)


def _page(back: str, chosen: str, error: str = "") -> str:
    return render_template("storefront/delivery/show.html", options=_options(_city_of(chosen)), back=back, error=error)


def _city_of(code: str) -> str:
    path = region_path(code)
    return path[1].code if len(path) > 1 else code


@lru_cache(maxsize=512)
def _options(chosen: str) -> Markup:
    """Every city, by province; a province without parts stands for itself, so that it can be said that nothing goes there."""
    group, option = Markup('<optgroup label="{}">{}</optgroup>'), Markup('<option value="{}"{}>{}</option>')
    lists = []
    for province in provinces():
        its = [(city.code, city.name if city.name not in _ONLY_A_HEADING else province.name) for city in cities(province.code)]
        rows = its or [(province.code, province.name)]
        drawn = (option.format(code, Markup(" selected") if code == chosen else "", name) for code, name in rows)
        lists.append(group.format(province.name, Markup("").join(drawn)))
    return Markup("").join(lists)
