"""Who brings things in."""

from flask import Blueprint, render_template

from shop.accounts.roles import Permission
from shop.kit.clock import business_day, utc_now
from shop.reports.cooperative_page import cooperative_page
from shop.web.current import needs
from shop.web.storefront.addresses import slug_in
from shop.web.storefront.words import is_english

blueprint = Blueprint("cooperatives", __name__, url_prefix="/cooperatives")


@blueprint.get("/<slug>")
@needs(Permission.ANYONE)
def show(slug: str) -> str:
    """One cooperative."""
    today = business_day(utc_now())
    page = cooperative_page(slug_in(slug), today=today, english=is_english())
    return render_template("storefront/cooperatives/show.html", page=page, today=today)
