"""The first page."""

from flask import Blueprint, render_template

from shop.accounts.roles import Permission
from shop.kit.clock import business_day, utc_now
from shop.reports.home_page import home_page
from shop.web.current import needs
from shop.web.storefront.seen import seen_lately
from shop.web.storefront.words import is_english

blueprint = Blueprint("home", __name__)


@blueprint.get("/")
@needs(Permission.ANYONE)
def index() -> str:
    """What the shop is, what there is now, and where the money goes."""
    page = home_page(today=business_day(utc_now()), english=is_english())
    return render_template("storefront/home/index.html", page=page, seen=seen_lately())
