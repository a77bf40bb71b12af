"""The staff's first page: what needs a person, each with its one next step."""

from flask import Blueprint, render_template
from flask_babel import gettext
from werkzeug.wrappers import Response

from shop.accounts.roles import Permission
from shop.kit.clock import utc_now
from shop.reports.desk import EXPIRES_WITHIN, SHIP_WITHIN, read_desk
from shop.web.current import needs, somebody
from shop.web.errors import go
from shop.web.staff.desk_words import shown_pile
from shop.web.staff.words import LETTER_WORDS, METHODS

blueprint = Blueprint("desk", __name__)


@blueprint.get("/")
@needs(Permission.DESK)
def index() -> str | Response:
    """What needs a person today; who sees no orders begins with the report."""
    if not somebody().may(Permission.READ_ORDERS):
        return go("staff.reports.sales")
    now = utc_now()
    desk = read_desk(now)
    weekdays = (
        gettext("星期一"),
        gettext("星期二"),
        gettext("星期三"),
        gettext("星期四"),
        gettext("星期五"),
        gettext("星期六"),
        gettext("星期日"),
    )
    return render_template(
        "staff/desk/index.html",
        desk=desk,
        piles=[shown_pile(pile) for pile in desk.piles],
        now=now,
        weekday=weekdays[desk.today.weekday()],
        ship_days=SHIP_WITHIN.days,
        expire_days=EXPIRES_WITHIN.days,
        methods=METHODS,
        letters=LETTER_WORDS,
    )
