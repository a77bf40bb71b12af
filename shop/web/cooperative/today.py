"""What needs a pair of hands today, and what this month brought the villages."""

from flask import Blueprint, render_template

from shop.accounts.roles import Permission
from shop.kit.clock import business_day, utc_now
from shop.reports import cooperative_pages as pages
from shop.reports import today_page
from shop.reports.claims import count_ours
from shop.shipping.states import ShipmentState
from shop.web.current import needs, somebody
from shop.web.goods_words import PERMIT_KINDS

blueprint = Blueprint("today", __name__)

_FIRST_PARCELS = 3
_FIRST_ROWS = 4


@blueprint.get("/")
@needs(Permission.COOPERATIVE)
def index() -> str:
    """The first page of the morning."""
    person, now = somebody(), utc_now()
    ids, today = person.cooperative_ids, business_day(now)
    counts = pages.count_parcels(ids)
    rows = pages.stock_rows(ids, today=today)
    low = pages.low_packs(ids, today=today)
    expiring = [row for row in rows if row.free_units and (row.is_near_expiry(today) or row.is_expired(today))]
    papers = today_page.papers_due(ids, today=today)
    return render_template(
        "cooperative/today/index.html",
        cooperatives=pages.own_cooperatives(ids),
        now=now,
        today=today,
        counts=counts,
        waiting=counts[ShipmentState.TO_PACK],
        under_way=counts[ShipmentState.SHIPPED],
        take=pages.to_take(ids),
        parcels=pages.parcels(ids, ShipmentState.TO_PACK, total=counts[ShipmentState.TO_PACK], size=_FIRST_PARCELS).rows,
        overdue=today_page.count_overdue(ids, today=today),
        low_count=len(low),
        low=low[:_FIRST_ROWS],
        expiring_count=len(expiring),
        expiring=expiring[:_FIRST_ROWS],
        papers=papers,
        permit_kinds=PERMIT_KINDS,
        coming_fen=today_page.coming_fen(ids, today=today),
        uncounted=[row for row in rows if row.is_long_uncounted(now)][:_FIRST_ROWS],
        claims=count_ours(ids),
        money=pages.village_money(ids, first=today.replace(day=1), last=today),
    )
