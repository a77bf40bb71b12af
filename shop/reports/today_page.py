"""What waits for a cooperative today, as figures on large buttons, and the papers that end soon.

Law: a figure says how much there is to do, and nothing that somebody else has to do.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import func, select

from shop.catalog.models import Product
from shop.extensions import db
from shop.kit.clock import day_starts
from shop.kit.ids import CooperativeId
from shop.orders.models import Order
from shop.papers.models import Accreditation, PermitKind
from shop.papers.permits import PermitFacts, permits_of
from shop.reports.settlement_pages import money_of
from shop.shipping.models import Shipment
from shop.shipping.states import ShipmentState

PAPER_ENDS_SOON = timedelta(days=60)
"""A licence takes weeks to renew."""


@dataclass(frozen=True)
class PaperDue:
    """A paper that ends soon, or has ended."""

    kind: PermitKind | None
    """None: an accreditation."""
    product: str
    product_en: str
    """Of an accreditation: what is accredited."""
    number: str
    last_day: date

    def days_left(self, today: date) -> int:
        """Nought on the last day, negative after it."""
        return (self.last_day - today).days


def papers_due(ids: Sequence[CooperativeId], *, today: date) -> list[PaperDue]:
    """Permits and accreditations that end within 60 days or have ended, the most urgent first; what was renewed already is not due. Two statements."""
    latest: dict[tuple[CooperativeId, PermitKind], PermitFacts] = {}
    for permit in permits_of(ids):
        known = latest.get((permit.cooperative_id, permit.kind))
        if known is None or _ends(permit.last_day) > _ends(known.last_day):
            latest[permit.cooperative_id, permit.kind] = permit
    due = [PaperDue(permit.kind, "", "", permit.number, permit.last_day) for permit in latest.values() if permit.last_day is not None]
    last_day = func.max(Accreditation.last_day)
    rows = db.session.execute(
        select(Product.name, Product.name_en, func.max(Accreditation.number), last_day)
        .join(Product, Product.id == Accreditation.product_id)
        .where(Product.cooperative_id.in_(ids), Accreditation.withdrawn_at.is_(None))
        .group_by(Product.id, Product.name, Product.name_en)
        .having(last_day >= today)  # one that is over changes nothing that can still be done in time
    )
    due += [PaperDue(None, name, name_en, number, ends) for name, name_en, number, ends in rows]
    return sorted((paper for paper in due if paper.last_day <= today + PAPER_ENDS_SOON), key=lambda paper: (paper.last_day, paper.number))


def _ends(last_day: date | None) -> date:
    return last_day or date.max


def count_overdue(ids: Sequence[CooperativeId], *, today: date) -> int:
    """Parcels that were paid before today and are still here: they should leave today."""
    return db.session.execute(
        select(func.count())
        .select_from(Shipment)
        .join(Order, Order.id == Shipment.order_id)
        .where(Shipment.cooperative_id.in_(ids), Shipment.state == ShipmentState.TO_PACK, Order.paid_at < day_starts(today))
    ).scalar_one()


def coming_fen(ids: Sequence[CooperativeId], *, today: date) -> int:
    """What is owed to the cooperatives and not paid yet: ready, within its return window, drafted or approved; disputed money is not counted on."""
    every = [money_of(each, today=today) for each in ids]
    figures = ("ready_fen", "waiting_fen", "drafted_fen", "carried_fen")
    return sum(money.payable_fen + sum(money.total(figure) for figure in figures) for money in every)
