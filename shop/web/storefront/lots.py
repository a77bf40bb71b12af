"""What the code on the bag opens."""

from functools import lru_cache

import segno
from flask import Blueprint, render_template
from markupsafe import Markup

from shop.accounts.roles import Permission
from shop.kit.clock import business_day, utc_now
from shop.reports.lot_page import lot_page
from shop.web.current import needs, settings
from shop.web.storefront.addresses import code_in

blueprint = Blueprint("lots", __name__, url_prefix="/lots")


@blueprint.get("/<code>")
@needs(Permission.ANYONE)
def show(code: str) -> str:
    """One lot, with the code that opens this page."""
    now = utc_now()
    page = lot_page(code_in(code), today=business_day(now))
    address = f"{settings().public_url}/lots/{page.code}"
    return render_template("storefront/lots/show.html", page=page, now=now, address=address, qr_code=_qr_code(address))


@lru_cache(maxsize=512)
def _qr_code(address: str) -> Markup:
    """The address as a QR code. Always black on white, also on dark screens, or cameras do not read it."""
    drawing = segno.make(address, error="m", micro=False)
    return Markup(drawing.svg_inline(dark="#000", light="#fff", border=3, scale=5))  # drawn by us, of squares
