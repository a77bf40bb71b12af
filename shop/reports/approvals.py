"""Everything that waits for another person's yes or no, in one list, the oldest first. The desk reads the same."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select

from shop.accounts.models import User
from shop.catalog.models import Product, ProductSubmission
from shop.extensions import db
from shop.origin.models import Cooperative
from shop.reports.desk import read_second_person


class Matter(StrEnum):
    """What is to be decided."""

    PRODUCT = "product"
    """A product that a cooperative submitted."""
    REFUND = "refund"
    """A refund above the sum that one person may decide alone."""
    SETTLEMENT = "settlement"
    RULE = "rule"
    """A dividend rule."""
    SHEET = "sheet"
    """Dividends that were computed."""
    CORRECTION = "correction"
    """A lot that was written down wrong, and with it whose money it is."""


@dataclass(frozen=True)
class Approval:
    """One of them."""

    matter: Matter
    key: str
    """In the address of its page."""
    title: str
    title_en: str
    about: str
    about_en: str
    fen: int | None
    asked_by: int | None
    at: datetime


def read_approvals() -> tuple[Approval, ...]:
    """All of them, the oldest first. One statement for each matter."""
    waiting = read_second_person()
    found = [
        *_products(),
        *(
            Approval(Matter.REFUND, one.number, one.number, one.number, "", "", one.total_fen, one.asked_by, one.at)
            for one in waiting.refunds
        ),
        *(
            Approval(
                Matter.SETTLEMENT,
                one.number,
                one.cooperative,
                one.cooperative_en,
                one.number,
                one.number,
                one.total_fen,
                one.drafted_by,
                one.at,
            )
            for one in waiting.drafts
        ),
        *(
            Approval(
                Matter.RULE,
                str(one.id),
                one.cooperative,
                one.cooperative_en,
                f"{one.name} v{one.version}",
                f"{one.name} v{one.version}",
                None,
                None,
                one.at,
            )
            for one in waiting.rules
        ),
        *(
            Approval(
                Matter.SHEET,
                str(one.id),
                one.cooperative,
                one.cooperative_en,
                f"{one.first_day} — {one.last_day}",
                f"{one.first_day} — {one.last_day}",
                one.payable_fen,
                one.computed_by,
                one.at,
            )
            for one in waiting.sheets
        ),
        *(
            Approval(
                Matter.CORRECTION,
                str(one.id),
                one.product,
                one.product_en,
                f"{one.lot_code} {one.reason}",
                one.lot_code,
                None,
                one.proposed_by,
                one.at,
            )
            for one in waiting.corrections
        ),
    ]
    return tuple(sorted(found, key=lambda one: one.at))


def _products() -> list[Approval]:
    query = (
        select(
            Product.id,
            Product.name,
            Product.name_en,
            Cooperative.short_name,
            Cooperative.name_en.label("cooperative_en"),
            ProductSubmission.submitted_by,
            ProductSubmission.submitted_at,
            User.name.label("by"),
        )
        .join(Product, Product.id == ProductSubmission.product_id)
        .join(Cooperative, Cooperative.id == Product.cooperative_id)
        .join(User, User.id == ProductSubmission.submitted_by)
        .where(ProductSubmission.decided_at.is_(None))
    )
    return [
        Approval(
            Matter.PRODUCT, str(row.id), row.name, row.name_en, row.short_name, row.cooperative_en, None, row.submitted_by, row.submitted_at
        )
        for row in db.session.execute(query)
    ]
