"""Where things come from."""

from flask import Blueprint, render_template

from shop.accounts.roles import Permission
from shop.kit.clock import business_day, utc_now
from shop.reports.dividend_pages import count_public_runs
from shop.reports.village_page import village_page, villages_page
from shop.web.current import needs
from shop.web.storefront.addresses import slug_in
from shop.web.storefront.words import is_english

blueprint = Blueprint("villages", __name__, url_prefix="/villages")


@blueprint.get("/")
@needs(Permission.ANYONE)
def index() -> str:
    """All villages: where they lie, what they sell, what was booked to them."""
    now = utc_now()
    return render_template("storefront/villages/index.html", page=villages_page(today=business_day(now)), now=now)


@blueprint.get("/<slug>")
@needs(Permission.ANYONE)
def show(slug: str) -> str:
    """One village."""
    today = business_day(utc_now())
    page = village_page(slug_in(slug), today=today, english=is_english())
    return render_template("storefront/villages/show.html", page=page, today=today, public_runs=count_public_runs(page.slug))
