"""What the shop says of itself: plain pages of text, whose figures are those of the rules."""

from flask import Blueprint, render_template

from shop.accounts.roles import Permission
from shop.kit.clock import business_day, utc_now
from shop.shipping.tariffs import terms_on
from shop.web.current import needs
from shop.web.province_words import names_of

blueprint = Blueprint("pages", __name__, url_prefix="/about")


@blueprint.get("/money")
@needs(Permission.ANYONE)
def money() -> str:
    """How figures are made."""
    return render_template("storefront/pages/money.html")


@blueprint.get("/returns")
@needs(Permission.ANYONE)
def returns() -> str:
    """What may be sent back, and how the money goes back."""
    return render_template("storefront/pages/returns.html")


@blueprint.get("/privacy")
@needs(Permission.ANYONE)
def privacy() -> str:
    """What is known of people, what for, for how long."""
    return render_template("storefront/pages/privacy.html")


@blueprint.get("/contact")
@needs(Permission.ANYONE)
def contact() -> str:
    """Whom to ask, about what."""
    return render_template("storefront/pages/contact.html")


@blueprint.get("/prices")
@needs(Permission.ANYONE)
def prices() -> str:
    """How prices are made, and what sending costs."""
    rules = terms_on(business_day(utc_now())).rules
    return render_template(
        "storefront/pages/prices.html",
        shipping=rules,
        surcharges=[(names_of(rule.places), rule.kg_fen) for rule in rules.surcharges],
        not_served=names_of(rules.not_served.places),
        cold=names_of(rules.cold.places),
    )
