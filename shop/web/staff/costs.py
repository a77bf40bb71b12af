"""Costs of lots, for whoever checks them."""

from flask import Blueprint, render_template

from shop.accounts.roles import Permission
from shop.reports.dividend_pages import costed_lots, get_lot_costs
from shop.web.current import needs

blueprint = Blueprint("costs", __name__, url_prefix="/costs")


@blueprint.get("/")
@needs(Permission.READ_DIVIDENDS)
def index() -> str:
    """Every lot with costs."""
    return render_template("staff/costs/index.html", lots=costed_lots(None))


@blueprint.get("/<code>")
@needs(Permission.READ_DIVIDENDS)
def show(code: str) -> str:
    """One lot's costs with their papers."""
    return render_template("staff/costs/show.html", costs=get_lot_costs(code, None))
