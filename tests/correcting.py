"""A lot somebody says is wrong, and a product that is accredited: for tests of pages that show them."""

from dataclasses import dataclass
from datetime import date

from flask import current_app
from sqlalchemy import select

from shop.accounts.roles import Role
from shop.extensions import reading
from shop.papers.accreditations import SUBJECT, record
from shop.papers.models import Attachment
from shop.stock.corrections import propose
from shop.stock.models import Lot
from shop.stock.service import Source
from tests.factories import NOW, MadeLot, MadeProduct, make_user


@dataclass(frozen=True)
class MadeCorrecting:
    """A correction that waits for a second person, and an accreditation with its certificate."""

    correction_id: int
    accreditation_id: int
    certificate_id: int


def make_correcting(product: MadeProduct, lot: MadeLot) -> MadeCorrecting:
    """Proposed and recorded by a clerk whom nobody else is."""
    clerk = make_user("Clerk", roles=[Role.OPERATIONS])
    with reading() as session:
        produced_grams = session.scalars(select(Lot.produced_grams).where(Lot.id == lot.id)).one()
    correction_id = propose(
        lot.id,
        sources=[Source(product.village_id, produced_grams + 1_000)],
        produced_grams=produced_grams + 1_000,
        reason="过磅单少抄了一公斤",
        by=clerk.id,
        once="made-correction",
        now=NOW,
    )
    accreditation_id = record(
        product.id,
        number="示例 2026-001",
        issuer="示例认定单位",
        first_day=date(2026, 1, 1),
        last_day=date(2099, 12, 31),
        paper="",
        file=b"%PDF-1.4\n% certificate\n%%EOF\n",
        instance_path=current_app.config["SHOP"].instance_path,
        by=clerk.id,
        once="made-accreditation",
        now=NOW,
    )
    with reading() as session:
        certificate = select(Attachment.id).where(Attachment.subject_kind == SUBJECT, Attachment.subject_id == accreditation_id)
        return MadeCorrecting(correction_id, accreditation_id, session.scalars(certificate).one())
