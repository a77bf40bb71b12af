"""Where the money of all of my orders went."""

from dataclasses import dataclass

from flask import Blueprint, render_template

from shop.accounts.roles import Permission
from shop.reports.my_money import money_of
from shop.web.current import needs, somebody

blueprint = Blueprint("money", __name__, url_prefix="/money")


@dataclass(frozen=True)
class YearBar:
    """One year for the bars."""

    name: str
    value: int
    was: int | None = None


@blueprint.get("/")
@needs(Permission.SIGNED_IN)
def index() -> str:
    """By village and by year."""
    money = money_of(somebody().user_id)
    bars = [YearBar(str(year), its.now_fen) for year, its in money.years]
    return render_template("account/money/index.html", money=money, bars=bars)
