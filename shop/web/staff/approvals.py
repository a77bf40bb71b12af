"""What waits for another person's yes or no, each with its one next step."""

from dataclasses import dataclass

from flask import Blueprint, render_template, url_for
from flask_babel import gettext

from shop.accounts.roles import Permission
from shop.reports.approvals import Approval, Matter, read_approvals
from shop.web.current import needs, somebody

blueprint = Blueprint("approvals", __name__, url_prefix="/approvals")


@dataclass(frozen=True)
class ShownApproval:
    """One of them in words."""

    row: Approval
    kind: str
    href: str
    """Empty where one may not look."""
    action: str


@blueprint.get("/")
@needs(Permission.READ_ORDERS)
def index() -> str:
    """All of them, the oldest first."""
    rows = [_shown(row) for row in read_approvals()]
    return render_template(
        "staff/approvals/index.html", rows=rows, mine=[shown for shown in rows if shown.row.asked_by == somebody().user_id]
    )


def _shown(row: Approval) -> ShownApproval:
    kinds = {
        Matter.PRODUCT: (gettext("商品"), Permission.GOODS, Permission.GOODS),
        Matter.REFUND: (gettext("退款"), Permission.READ_ORDERS, Permission.REFUND),
        Matter.SETTLEMENT: (gettext("结算"), Permission.READ_REPORTS, Permission.SETTLE),
        Matter.RULE: (gettext("分红规则"), Permission.READ_DIVIDENDS, Permission.DIVIDE),
        Matter.SHEET: (gettext("分红"), Permission.READ_DIVIDENDS, Permission.DIVIDE),
        Matter.CORRECTION: (gettext("批次更正"), Permission.READ_CORRECTIONS, Permission.CORRECT),
    }
    kind, reads, decides = kinds[row.matter]
    person = somebody()
    own = row.asked_by == person.user_id
    action = gettext("看你提的") if own else gettext("去定") if person.may(decides) else gettext("去看")
    return ShownApproval(row, kind, _page(row) if person.may(reads) else "", action)


def _page(row: Approval) -> str:
    pages = {
        Matter.PRODUCT: lambda: url_for("staff.goods.sale", product_id=row.key),
        Matter.REFUND: lambda: url_for("staff.orders.show", number=row.key),
        Matter.SETTLEMENT: lambda: url_for("staff.settlements.show", number=row.key),
        Matter.RULE: lambda: url_for("staff.dividends.rule", rule_id=row.key),
        Matter.SHEET: lambda: url_for("staff.dividends.sheet", sheet_id=row.key),
        Matter.CORRECTION: lambda: url_for("staff.corrections.show", correction_id=row.key),
    }
    return pages[row.matter]()
