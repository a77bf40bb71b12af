"""Months of the books: what each holds, what is still open of it, and closing it for good."""

from flask import Blueprint, flash, render_template
from flask_babel import gettext
from werkzeug.wrappers import Response

from shop.accounts.roles import Permission
from shop.acts.close_month import close_month, open_matters
from shop.kit.clock import business_day, utc_now
from shop.kit.errors import NotFound
from shop.ledger.errors import EarlierMonthOpen, MonthNotOver, MonthUnfinished, PeriodClosed
from shop.reports.folding import drain
from shop.reports.month_pages import month_page, month_rows
from shop.web.current import needs, somebody
from shop.web.errors import go
from shop.web.settlement_words import MATTER_WORDS

blueprint = Blueprint("months", __name__, url_prefix="/months")


@blueprint.get("/")
@needs(Permission.READ_REPORTS)
def index() -> str:
    """Every month with entries."""
    rows = month_rows()
    first_open = min((row.month for row in rows if row.closed_at is None), default="")
    return render_template("staff/months/index.html", rows=rows, first_open=first_open, this_month=f"{business_day(utc_now()):%Y-%m}")


@blueprint.get("/<month>")
@needs(Permission.READ_REPORTS)
def show(month: str) -> str:
    """A month's figures; of an open one also what is still open."""
    page = month_page(month)
    rows = month_rows()
    earlier = [row.month for row in rows if row.month < month and row.closed_at is None]
    return render_template(
        "staff/months/show.html",
        page=page,
        matters=() if page.closed_at else open_matters(month),
        earlier=min(earlier, default=""),
        is_over=business_day(utc_now()) > page.last_day,
    )


@blueprint.post("/<month>/close")
@needs(Permission.CLOSE_MONTH)
def close(month: str) -> Response:
    """Close it for good: the reports' queue is drained first."""
    page = month_page(month)
    try:
        drain(page.month)
        close_month(page.month, by=somebody().user_id, now=utc_now())
    except MonthNotOver:
        flash(gettext("这个月还没过完，不能关账。"), "error")
    except EarlierMonthOpen as refusal:
        flash(gettext("先关 %(month)s，月份要按顺序关。", month=refusal.month), "error")
    except MonthUnfinished as refusal:
        names = gettext("、").join(str(MATTER_WORDS.get(matter, matter)) for matter, _count in refusal.open_matters)  # type: ignore[call-overload]  # a matter is its value
        flash(gettext("还关不了：%(matters)s。", matters=names), "error")
    except PeriodClosed:
        flash(gettext("这个月已经关过了。"), "warning")
    except ValueError as error:
        raise NotFound from error
    else:
        flash(gettext("%(month)s 关账了，数字从此不再变。", month=month), "success")
    return go("staff.months.show", month=month)
