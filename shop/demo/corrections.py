"""Products accredited, one of them no longer; and a lot that somebody says was written down wrongly, waiting for a second person. All of it 示例."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select

from shop.catalog.service import MadeProduct
from shop.demo import people
from shop.extensions import reading
from shop.kit.ids import CooperativeId, LotId, UserId, VillageId
from shop.papers import accreditations
from shop.stock import corrections
from shop.stock.models import Lot, LotCorrection, LotSource
from shop.stock.service import Source

_ISSUER = "示例认定单位"
_ACCREDITED = (("baishui-gongmi", 400, 500), ("zhenzhu-huasheng", 300, 430), ("jinsi-huangju", 380, -40))
"""Slug, how many days before the day of the story it began, and how many days after (before) it ends."""


def accredit(products: Mapping[str, MadeProduct], users: Mapping[str, UserId], *, day: date, instance_path: Path, now: datetime) -> int:
    """Before the first sale, so that the season's sales are told apart. How many."""
    for number, (slug, before, after) in enumerate(_ACCREDITED, start=1):
        accreditations.record(
            products[slug].id,
            number=f"示例-{day.year}-{number:03d}",
            issuer=_ISSUER,
            first_day=day - timedelta(days=before),
            last_day=day + timedelta(days=after),
            paper="示例：产业股 3 号柜",
            file=None,
            instance_path=instance_path,
            by=users[people.STAFF],
            once=f"demo:accredited:{slug}",
            now=now,
        )
    return len(_ACCREDITED)


def propose_one(cooperative_id: CooperativeId, users: Mapping[str, UserId], *, now: datetime) -> None:
    """A blended lot of the packer's cooperative of which a tenth was of the other village."""
    once = "demo:correction"
    with reading() as session:
        if session.scalar(select(LotCorrection.id).where(LotCorrection.once == once)) is not None:
            return
        blended = (
            select(LotSource.lot_id)
            .join(Lot, (Lot.id == LotSource.lot_id) & (Lot.source_version == LotSource.version))
            .where(Lot.gross_fen > 0, Lot.cooperative_id == cooperative_id)
            .group_by(LotSource.lot_id)
            .having(func.count() > 1)
        )
        lot = session.execute(
            select(Lot.id, Lot.produced_grams, Lot.source_version).where(Lot.id.in_(blended)).order_by(Lot.id.desc())
        ).first()
        if lot is None:
            return
        sources = corrections.sources_of_version(LotId(lot.id), lot.source_version)
    most = max(sources, key=lambda source: source.grams)
    least = min(sources, key=lambda source: source.grams)
    moved = most.grams // 10
    changes: dict[VillageId, int] = {most.village_id: -moved, least.village_id: moved}
    corrections.propose(
        LotId(lot.id),
        sources=[Source(source.village_id, source.grams + changes.get(source.village_id, 0)) for source in sources],
        produced_grams=lot.produced_grams,
        reason="示例：过磅单上有一车记到了邻村",
        by=users[people.PACKER],
        once=once,
        now=now,
    )
