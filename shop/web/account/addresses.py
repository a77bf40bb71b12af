"""My addresses: a list, adding one, changing one, taking one out, saying which comes first."""

from flask import Blueprint, flash, render_template, request
from flask_babel import gettext, lazy_gettext
from werkzeug.wrappers import Response
from wtforms import BooleanField

from shop.accounts.addresses import MOST_ADDRESSES, Written, add_address, change_address, make_default, remove_address
from shop.accounts.errors import NoSuchAddress, TooManyAddresses
from shop.accounts.queries import BookedAddress, addresses_of
from shop.accounts.roles import Permission
from shop.kit.clock import utc_now
from shop.kit.ids import AddressId
from shop.kit.regions import find_place
from shop.web.address_form import (
    KUNSHAN,
    AddressForm,
    check_address,
    choices,
    place_name,
    province_of,
    say_where_nothing_goes,
    settle_region,
)
from shop.web.current import needs, somebody
from shop.web.errors import go

blueprint = Blueprint("addresses", __name__, url_prefix="/addresses")

_ID = "int(max=9223372036854775807)"


class BookForm(AddressForm):
    """One address of the book."""

    is_default = BooleanField(lazy_gettext("下单时先用这个"))


@blueprint.get("/")
@needs(Permission.SIGNED_IN)
def index() -> str:
    """All of them, the one that is used first on top."""
    book = [(address, place_name(address.district_code)) for address in addresses_of(somebody().user_id)]
    return render_template("account/addresses/index.html", book=book, most=MOST_ADDRESSES)


@blueprint.get("/new")
@needs(Permission.SIGNED_IN)
def new() -> str:
    """An empty form, begun with the person's own name and number."""
    person = somebody()
    form = BookForm(formdata=None, name=person.name, phone=person.phone or "", province=province_of(KUNSHAN), district=KUNSHAN)
    return _form_page("account/addresses/new.html", form)


@blueprint.post("/new")
@needs(Permission.SIGNED_IN)
def add() -> str | Response | tuple[str, int]:
    """Write it down."""
    form = BookForm()
    written = _read(form)
    if request.form.get("act") == "region":
        return _form_page("account/addresses/new.html", form, is_news=True)
    if written is None:
        return _form_page("account/addresses/new.html", form), 422
    try:
        add_address(somebody().user_id, written, is_default=bool(form.is_default.data), now=utc_now())
    except TooManyAddresses as refusal:
        flash(gettext("最多记 %(most)s 个地址，先删掉一个。", most=refusal.most), "warning")
        return _form_page("account/addresses/new.html", form), 422
    flash(gettext("记下了。"), "success")
    return go("account.addresses.index")


@blueprint.get(f"/<{_ID}:address_id>/edit")
@needs(Permission.SIGNED_IN)
def edit(address_id: int) -> str:
    """One of them, to be written differently."""
    address = _own(address_id)
    place = find_place(address.district_code)
    form = BookForm(
        formdata=None,
        name=address.name,
        phone=address.phone,
        province=place.province.code if place else province_of(KUNSHAN),
        district=address.district_code if place else "",
        town=address.town,
        street=address.street,
        is_default=address.is_default,
    )
    return _form_page("account/addresses/edit.html", form, address=address)


@blueprint.post(f"/<{_ID}:address_id>/edit")
@needs(Permission.SIGNED_IN)
def change(address_id: int) -> str | Response | tuple[str, int]:
    """Keep what was written."""
    address = _own(address_id)
    form = BookForm()
    written = _read(form)
    if request.form.get("act") == "region":
        return _form_page("account/addresses/edit.html", form, is_news=True, address=address)
    if written is None:
        return _form_page("account/addresses/edit.html", form, address=address), 422
    change_address(somebody().user_id, address.id, written, is_default=bool(form.is_default.data))
    flash(gettext("改好了。已经下的订单还寄到原来的地方。"), "success")
    return go("account.addresses.index")


@blueprint.post(f"/<{_ID}:address_id>/remove")
@needs(Permission.SIGNED_IN)
def remove(address_id: int) -> Response:
    """Take it out of the book."""
    remove_address(somebody().user_id, AddressId(address_id))
    flash(gettext("删掉了。已经下的订单不变。"), "success")
    return go("account.addresses.index")


@blueprint.post(f"/<{_ID}:address_id>/default")
@needs(Permission.SIGNED_IN)
def default(address_id: int) -> Response:
    """Let the checkout begin with it."""
    make_default(somebody().user_id, AddressId(address_id))
    return go("account.addresses.index")


def _own(address_id: int) -> BookedAddress:
    """One of one's own. Raises NoSuchAddress."""
    for address in addresses_of(somebody().user_id):
        if address.id == address_id:
            return address
    raise NoSuchAddress


def _read(form: BookForm) -> Written | None:
    """What was written, unless something is wrong with it or only the lists are to be renewed."""
    settle_region(form)
    say_where_nothing_goes(form)
    if request.form.get("act") == "region":
        return None
    recipient = check_address(form)
    if recipient is None or form.errors:
        return None
    return Written(recipient.name, recipient.phone, recipient.place.district.code, recipient.town, recipient.street)


def _form_page(template: str, form: BookForm, *, is_news: bool = False, address: BookedAddress | None = None) -> str:
    return render_template(template, form=form, lists=choices(form), is_news=is_news, address=address)
