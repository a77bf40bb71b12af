"""What looks odd, with its thresholds in words; each row opens what it is about."""

from flask import Blueprint, render_template

from shop.accounts.roles import Permission
from shop.kit.clock import utc_now
from shop.reports import suspicions
from shop.web.current import needs

blueprint = Blueprint("suspicions", __name__, url_prefix="/suspicions")


@blueprint.get("/")
@needs(Permission.READ_SUSPICIONS)
def index() -> str:
    """Five looks at the same books."""
    return render_template(
        "staff/suspicions/index.html",
        found=suspicions.read_suspicions(now=utc_now()),
        most=suspicions.MOST_ROWS,
        price_percent=int(suspicions.PRICE_FAR * 100),
        price_days=suspicions.PRICE_DAYS.days,
        look_days=suspicions.LOOKS_BACK.days,
        refunded_orders=suspicions.REFUNDED_ORDERS,
        refunded_percent=int(suspicions.REFUNDED_SHARE * 100),
        accounts=suspicions.ACCOUNTS_AT_ADDRESS,
    )
