"""The season calendar."""

from flask import Blueprint, render_template

from shop.accounts.roles import Permission
from shop.kit.clock import business_day, utc_now
from shop.reports.season_page import season_page
from shop.web.current import needs

blueprint = Blueprint("seasons", __name__)


@blueprint.get("/seasons")
@needs(Permission.ANYONE)
def show() -> str:
    """When everything is harvested, twelve months on one page."""
    return render_template("storefront/seasons/show.html", page=season_page(today=business_day(utc_now())))
