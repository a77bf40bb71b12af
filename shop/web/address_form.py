"""Where somebody lives, as people type it: at checkout and in the address book. `check_address` says beside each field what is wrong.

Law: works without a script. Another province or district is chosen, then 更新市县 is pressed; a script only presses it sooner.
"""

from dataclasses import dataclass
from functools import lru_cache

from flask_babel import gettext, lazy_gettext
from markupsafe import Markup, escape
from wtforms import Field, StringField

from shop.kit.phones import digits_of, find_mobile
from shop.kit.regions import Place, cities, districts, find_place, provinces, towns
from shop.web.form import Form
from shop.web.typed import clean

KUNSHAN = "320583"
"""Where most buyers live: a new address begins there."""

_WITHOUT_DISTRICTS = frozenset({"710000", "810000", "820000"})


class AddressForm(Form):
    """Whom to call and where to."""

    name = StringField(lazy_gettext("收货人"))
    phone = StringField(lazy_gettext("手机号"))
    province = StringField(lazy_gettext("省"))
    district = StringField(lazy_gettext("市、区县"))
    town = StringField(lazy_gettext("镇、街道"))
    street = StringField(lazy_gettext("街道门牌"))


@dataclass(frozen=True)
class Recipient:
    """Whom and where to: chosen from the book, or typed."""

    name: str
    phone: str
    place: Place
    town: str
    street: str
    is_new: bool


def settle_region(form: AddressForm) -> None:
    """Forget a district that is not in the province chosen beside it: its province came later."""
    place = find_place(form.district.data or "")
    if place is None or place.province.code != form.province.data:
        form.district.data = ""
    if not any(province.code == form.province.data for province in provinces()):
        form.province.data = province_of(KUNSHAN)


def say_where_nothing_goes(form: AddressForm) -> None:
    """Beside the district: Hong Kong, Macau and Taiwan are not delivered to."""
    if form.province.data in _WITHOUT_DISTRICTS:
        refuse(form.district, gettext("对不起，香港、澳门、台湾现在还寄不到。请换一个内地的地址，填好的都还在。"))


def check_address(form: AddressForm) -> Recipient | None:
    """Whom and where to; None, and the reasons beside the fields, if that cannot be said."""
    name, town, street = clean(form.name.data, most=61), clean(form.town.data, most=61), clean(form.street.data, most=201)
    if not name:
        refuse(form.name, gettext("写上收货人。"))
    elif len(name) > 60:
        refuse(form.name, gettext("最多 60 字。"))
    phone = find_mobile(form.phone.data or "")
    if phone is None:
        refuse(form.phone, _about_phone(form.phone.data or ""))
    place = find_place(form.district.data or "")
    if place is None and not form.district.errors:
        refuse(form.district, gettext("选一个区县。换了省，先按“更新市县”。"))
    known = towns(place.district.code) if place else ()
    if known and all(town != one.name for one in known):
        refuse(form.town, gettext("选一个镇或街道。"))
    elif len(town) > 60:
        refuse(form.town, gettext("最多 60 字。"))
    if not street:
        refuse(form.street, gettext("写上街道门牌，快递要找到门。"))
    elif len(street) > 200:
        refuse(form.street, gettext("最多 200 字。"))
    if form.errors or place is None or phone is None:
        return None
    return Recipient(name, phone, place, town, street, is_new=True)


def refuse(field: Field, words: str) -> None:
    """Say beside a field what is wrong with it."""
    field.errors = [words]


def _about_phone(typed: str) -> str:
    count = digits_of(typed)
    if count == 0:
        return str(gettext("写上手机号，送货时要打。"))
    if count != 11:
        return str(gettext("手机号是 11 位，这里有 %(count)s 位。送货时要打。", count=count))
    return str(gettext("这不像大陆的手机号：要 1 开头，第二位 3 到 9。"))


# ── What can be chosen ────────────────────────────────────────────────────────────────────────────────────────────────


def choices(form: AddressForm) -> dict[str, object]:
    """What `parts/addresses.html` draws its lists from."""
    return {
        "province_options": _province_options(form.province.data or ""),
        "district_options": _district_options(form.province.data or "", form.district.data or "", gettext("请选")),
        "known_towns": towns(form.district.data or ""),
    }


def province_of(district_code: str) -> str:
    """The province of a district that there is."""
    place = find_place(district_code)
    assert place is not None, "the shop knows where it sends to"
    return place.province.code


def place_name(district_code: str) -> str:
    """江苏省苏州市昆山市; nothing for a district that is no more."""
    place = find_place(district_code)
    return place.name if place else ""


@lru_cache(maxsize=64)
def _province_options(chosen: str) -> Markup:
    return Markup("").join(_option(province.code, province.name, chosen) for province in provinces())


@lru_cache(maxsize=1024)
def _district_options(province_code: str, chosen: str, please: str) -> Markup:
    """The districts of a province, grouped by their cities; a list that is the same for everybody and long."""
    group = Markup('<optgroup label="{}">{}</optgroup>')
    groups = (
        group.format(city.name, Markup("").join(_option(district.code, district.name, chosen) for district in districts(city.code)))
        for city in cities(province_code)
    )
    return _option("", please, chosen) + Markup("").join(groups)


def _option(value: str, text: str, chosen: str) -> Markup:
    return Markup('<option value="{}"{}>{}</option>').format(value, Markup(" selected") if value == chosen else "", escape(text))
