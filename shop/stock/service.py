"""Bringing in a lot, packing it, counting what stands on the shelf.

Every verb here is an act of one person about their own goods; holding and selling are steps of bigger acts (`holding.py`). A change locks the
item, then its lot, as selling does, so that the two never wait for each other crosswise; each leaves one Movement with the figures after it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import count

from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import IntegrityError

from shop.catalog.models import Product, ProductStatus, Sku
from shop.extensions import act, db, violated
from shop.kit.clock import business_day
from shop.kit.ids import CooperativeId, ItemId, LotId, ProductId, SkuId, UserId, VillageId
from shop.origin.models import CooperativeVillage
from shop.outbox.service import write_audit
from shop.stock.errors import (
    BestBeforeOutOfRange,
    CountMoved,
    ForeignSkus,
    ForeignVillages,
    HarvestAhead,
    LotCodeTaken,
    LotIsRecalled,
    NoSources,
    NoSuchItem,
    NoSuchLot,
    NoSuchProduct,
    NotACount,
    NotAWeight,
    NotEnoughToWriteOff,
    PackedTooMuch,
    ReasonDoesNotFit,
    SourceTwice,
    YieldOutOfRange,
)
from shop.stock.models import Lot, LotSource, Movement, MovementKind, StockItem

MOST_LOT_GRAMS = 1_000_000_000
"""A thousand tonnes: more than any village brings in; above it somebody slipped on the keys."""


class Reason(StrEnum):
    """Why somebody changed a count by hand; kept with the movement."""

    PACKED = "packed"
    """新装袋: units more were packed from the lot."""
    RECOUNTED = "recounted"
    """点数更正: somebody looked, and it is more or less than was written."""
    DAMAGED = "damaged"
    """破损: units are there no more, or cannot be sold."""
    SPOILT = "spoilt"
    """变质: mouldy, sour, weevils."""
    SAMPLED = "sampled"
    """送检、试吃."""
    LOST = "lost"
    """丢失."""
    DESTROYED = "destroyed"
    """销毁: of a lot that was called back or is past its best-before day."""


WRITES_OFF = (Reason.DAMAGED, Reason.SPOILT, Reason.SAMPLED, Reason.LOST, Reason.DESTROYED)
"""Units that are gone, and why."""


@dataclass(frozen=True, slots=True)
class Source:
    """What one village brought to a lot."""

    village_id: VillageId
    grams: int


@dataclass(frozen=True, slots=True)
class Packed:
    """Units of one SKU packed from a lot."""

    sku_id: SkuId
    units: int


@dataclass(frozen=True, slots=True)
class RecordedLot:
    """A lot that stands in the books of stock."""

    id: LotId
    code: str


@dataclass(frozen=True, slots=True)
class Counted:
    """A stock item before and after a change, in units free to sell."""

    item_id: ItemId
    free_before: int
    free_after: int
    is_repeat: bool = field(default=False, compare=False)
    """The key had done this already; nothing was changed a second time."""


# ── Recording a lot ───────────────────────────────────────────────────────────────────────────────────────────────────


@act
def record_lot(
    product_id: ProductId,
    *,
    harvested_on: date,
    best_before: date | None,
    grade: str,
    sources: Sequence[Source],
    packs: Sequence[Packed],
    by: UserId | None,
    once: str,
    now: datetime,
    code: str | None = None,
    harvest_grams: int | None = None,
) -> RecordedLot:
    """Record one batch of a product: whose grams it is, and how it was packed. The same `once` (at most 40 characters) gives the same lot.

    Produced grams are the sum of the sources'; `harvest_grams`, if it was weighed, is what went in, and the yield lies within the product's bounds.
    Without `best_before` it keeps for the product's shelf life, and never longer. Without `code`
    one is made, e.g. BS2610A: the product's initials, year and month of harvest, and the next free letter.

    Raises NoSuchProduct, HarvestAhead, BestBeforeOutOfRange, NoSources, SourceTwice, ForeignVillages, NotAWeight, YieldOutOfRange, ForeignSkus,
    NotACount, PackedTooMuch or LotCodeTaken.
    """
    if recorded := _find_recorded(once):
        return recorded
    product = _get_product(product_id)
    best_before = _check_dates(harvested_on, best_before, product.shelf_life_days, today=business_day(now))
    produced_grams = _check_sources(sources, product.cooperative_id)
    if harvest_grams is not None:
        _check_yield(harvest_grams, produced_grams, product)
    packed_grams = _check_packs(packs, product_id, produced_grams)
    lot, is_new = _insert_lot(
        stem=f"{initials(product.slug)}{harvested_on:%y%m}",
        given_code=code,
        once=once,
        columns={
            "product_id": product_id,
            "cooperative_id": product.cooperative_id,
            "harvested_on": harvested_on,
            "best_before": best_before,
            "grade": grade,
            "harvest_grams": harvest_grams,
            "produced_grams": produced_grams,
            "packed_grams": packed_grams,
            "recorded_by": by,
            "recorded_at": now,
        },
    )
    if not is_new:
        return lot
    db.session.execute(
        insert(LotSource), [{"lot_id": lot.id, "version": 1, "village_id": source.village_id, "grams": source.grams} for source in sources]
    )
    for pack_ in sorted((pack_ for pack_ in packs if pack_.units), key=lambda pack_: pack_.sku_id):
        shelf = _lock_shelf(_get_or_make_item(lot.id, pack_.sku_id))
        _change_shelf(shelf, packed=pack_.units, kind=MovementKind.PACKED, by=by, reason=Reason.PACKED, once=None, now=now)
    facts = {"after": {"produced_grams": produced_grams, "packed_grams": packed_grams, "villages": len(sources)}}
    write_audit("lot.recorded", subject=lot.code, by=by, facts=facts, now=now)
    return lot


def _find_recorded(once: str) -> RecordedLot | None:
    row = db.session.execute(select(Lot.id, Lot.code).where(Lot.once == once)).one_or_none()
    return RecordedLot(LotId(row.id), row.code) if row else None


@dataclass(frozen=True, slots=True)
class _Product:
    slug: str
    cooperative_id: CooperativeId
    shelf_life_days: int
    least_yield_percent: int
    most_yield_percent: int


def _get_product(product_id: ProductId) -> _Product:
    row = db.session.execute(
        select(
            Product.slug, Product.cooperative_id, Product.shelf_life_days, Product.least_yield_percent, Product.most_yield_percent
        ).where(Product.id == product_id, Product.status != ProductStatus.RETIRED)
    ).one_or_none()
    if row is None or row.cooperative_id is None:
        raise NoSuchProduct
    return _Product(row.slug, CooperativeId(row.cooperative_id), row.shelf_life_days, row.least_yield_percent, row.most_yield_percent)


def _check_dates(harvested_on: date, best_before: date | None, shelf_life_days: int, *, today: date) -> date:
    if harvested_on > today:
        raise HarvestAhead(harvested_on, today)
    latest = harvested_on + timedelta(days=shelf_life_days)
    if best_before is None:
        return latest
    if not harvested_on <= best_before <= latest:
        raise BestBeforeOutOfRange(best_before, harvested_on, latest)
    return best_before


def _check_sources(sources: Sequence[Source], cooperative_id: CooperativeId) -> int:
    """The grams of all sources together."""
    if not sources:
        raise NoSources
    seen: set[VillageId] = set()
    for source in sources:
        if source.village_id in seen:
            raise SourceTwice(source.village_id)
        seen.add(source.village_id)
        if source.grams <= 0:
            raise NotAWeight(source.grams, MOST_LOT_GRAMS)
    produced_grams = sum(source.grams for source in sources)
    if produced_grams > MOST_LOT_GRAMS:
        raise NotAWeight(produced_grams, MOST_LOT_GRAMS)
    own = set(db.session.scalars(select(CooperativeVillage.village_id).where(CooperativeVillage.cooperative_id == cooperative_id)))
    if foreign := tuple(sorted(seen - own)):
        raise ForeignVillages(foreign)
    return produced_grams


def _check_yield(harvest_grams: int, produced_grams: int, product: _Product) -> None:
    if not 0 < harvest_grams <= MOST_LOT_GRAMS:
        raise NotAWeight(harvest_grams, MOST_LOT_GRAMS)
    least, most = (-(-harvest_grams * product.least_yield_percent // 100), harvest_grams * product.most_yield_percent // 100)
    if not least <= produced_grams <= most:
        raise YieldOutOfRange(harvest_grams, produced_grams, product.least_yield_percent, product.most_yield_percent)


def _check_packs(packs: Sequence[Packed], product_id: ProductId, produced_grams: int) -> int:
    """The grams of all packs together."""
    rows = db.session.execute(select(Sku.id, Sku.packed_grams).where(Sku.product_id == product_id))
    own: dict[SkuId, int] = {SkuId(row.id): row.packed_grams for row in rows}
    sku_ids = [pack_.sku_id for pack_ in packs]
    if foreign := tuple(sorted({sku for sku in sku_ids if sku not in own or sku_ids.count(sku) > 1})):
        raise ForeignSkus(foreign)
    for pack_ in packs:
        if pack_.units < 0:
            raise NotACount(pack_.units)
    packed_grams = sum(pack_.units * own[pack_.sku_id] for pack_ in packs)
    if packed_grams > produced_grams:
        raise PackedTooMuch(produced_grams, packed_grams)
    return packed_grams


def _insert_lot(*, stem: str, given_code: str | None, once: str, columns: dict[str, object]) -> tuple[RecordedLot, bool]:
    """The lot, and whether it is new: the same form sent twice at once finds the other's."""
    while True:
        code = given_code or _next_code(stem)
        try:
            with db.session.begin_nested():  # somebody may take the code between our reading and our writing
                lot_id = db.session.scalar(insert(Lot).values(code=code, once=once, **columns).returning(Lot.id))
        except IntegrityError as error:
            if violated(error, "uq_lots_once"):
                recorded = _find_recorded(once)
                assert recorded is not None, "the key is taken, so its lot is there"
                return recorded, False
            if not violated(error, "uq_lots_code"):
                raise
            if given_code is not None:
                raise LotCodeTaken(given_code) from error
        else:
            assert lot_id is not None
            return RecordedLot(LotId(lot_id), code), True


def _next_code(stem: str) -> str:
    taken = set(db.session.scalars(select(Lot.code).where(Lot.code.like(f"{stem}%"))))
    return next(code for number in count() if (code := stem + letters(number)) not in taken)


_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ"  # no I and no O: on a sack they are read as 1 and 0


def letters(number: int) -> str:
    """A, B, … Z, AA, AB, … for 0, 1, …"""
    text_ = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, len(_ALPHABET))
        text_ = _ALPHABET[rest] + text_
    return text_


_SYLLABLE = r"(?:zh|ch|sh|[b-df-hj-np-tw-z])?[aeiouv]+(?:ng(?![aeiouv])|n(?![aeiouv])|r(?![aeiouv]))?"


def initials(slug: str) -> str:
    """Two capitals for a lot's code: the first two syllables of a pinyin slug (`baishui-gongmi` → BS), else of its words or letters."""
    words: list[str] = re.findall(r"[a-z]+", slug)
    if words and re.fullmatch(f"(?:{_SYLLABLE})+", words[0]):
        syllables: list[str] = [syllable for word in words for syllable in re.findall(_SYLLABLE, word)]
        if len(syllables) > 1:
            return (syllables[0][0] + syllables[1][0]).upper()
    if len(words) > 1:
        return (words[0][0] + words[1][0]).upper()
    return ("".join(words) + "XX")[:2].upper()


# ── Packing and counting ──────────────────────────────────────────────────────────────────────────────────────────────


@act
def pack(lot_id: LotId, sku_id: SkuId, units: int, *, by: UserId | None, once: str, now: datetime) -> Counted:
    """Pack `units` more of a SKU from a lot. The same `once` (at most 40 characters) packs once and answers the same.

    Raises NotACount, NoSuchLot, ForeignSkus, LotIsRecalled or PackedTooMuch.
    """
    if units <= 0:
        raise NotACount(units)
    product_id = db.session.scalar(select(Lot.product_id).where(Lot.id == lot_id))
    if product_id is None:
        raise NoSuchLot
    if db.session.scalar(select(Sku.id).where(Sku.id == sku_id, Sku.product_id == product_id)) is None:
        raise ForeignSkus((sku_id,))
    shelf = _lock_shelf(_get_or_make_item(lot_id, sku_id))
    if done := _find_done(shelf, once):
        return done
    _take_grams(shelf, units)
    return _change_shelf(shelf, packed=units, kind=MovementKind.PACKED, by=by, reason=Reason.PACKED, once=once, now=now)


@act
def change_count(item_id: ItemId, change: int, *, by: UserId | None, reason: Reason, once: str, now: datetime) -> Counted:
    """Add `change` units to what is free: packed, damaged, or found to be more or less. The same `once` changes it once and answers the same.

    Less is written off. More is packed from the lot; found again, it first comes back from what was written off.

    Raises NotACount (nought), NoSuchItem, ReasonDoesNotFit, NotEnoughToWriteOff, LotIsRecalled or PackedTooMuch.
    """
    if change == 0:
        raise NotACount(change)
    if (reason is Reason.PACKED and change < 0) or (reason in WRITES_OFF and change > 0):
        raise ReasonDoesNotFit(change, reason)
    shelf = _lock_shelf(item_id)
    if done := _find_done(shelf, once):
        return done
    kind = {Reason.PACKED: MovementKind.PACKED, Reason.RECOUNTED: MovementKind.RECOUNTED}.get(reason, MovementKind.WRITTEN_OFF)
    return _move_to(shelf, shelf.free_units + change, kind=kind, by=by, reason=reason, once=once, now=now)


@act
def set_count(
    item_id: ItemId, free_units: int, *, seen_free_units: int, by: UserId | None, reason: Reason, once: str, now: datetime
) -> Counted:
    """Say how many units are free, as somebody counted them who had `seen_free_units` before their eyes.

    Less than before is written off; more comes back from what was written off, then from the lot. `counted_at` is set, also when the figure
    was right. The same `once` counts once and answers the same.

    Raises NotACount, NoSuchItem, CountMoved (somebody else changed it meanwhile), LotIsRecalled or PackedTooMuch.
    """
    if free_units < 0:
        raise NotACount(free_units)
    shelf = _lock_shelf(item_id)
    if done := _find_done(shelf, once):
        return done
    if shelf.free_units != seen_free_units:
        raise CountMoved(seen_free_units, shelf.free_units)
    return _move_to(shelf, free_units, kind=MovementKind.RECOUNTED, by=by, reason=reason, once=once, now=now)


# ── What all of them share ────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Shelf:
    """A stock item whose row is locked."""

    item_id: ItemId
    lot_id: LotId
    unit_grams: int
    packed: int
    held: int
    sold: int
    written_off: int

    @property
    def free_units(self) -> int:
        return self.packed - self.held - self.sold - self.written_off


def _get_or_make_item(lot_id: LotId, sku_id: SkuId) -> ItemId:
    db.session.execute(
        text(
            "insert into stock_items (lot_id, sku_id, packed, held, sold, written_off) values (:lot, :sku, 0, 0, 0, 0)"
            " on conflict (lot_id, sku_id) do nothing"
        ),
        {"lot": lot_id, "sku": sku_id},
    )
    return ItemId(db.session.execute(select(StockItem.id).where(StockItem.lot_id == lot_id, StockItem.sku_id == sku_id)).scalar_one())


def _lock_shelf(item_id: ItemId) -> _Shelf:
    columns = (StockItem.lot_id, Sku.packed_grams, StockItem.packed, StockItem.held, StockItem.sold, StockItem.written_off)
    row = db.session.execute(  # SQLite knows no row locks; there an act is the only writer from its beginning
        select(*columns).join(Sku, Sku.id == StockItem.sku_id).where(StockItem.id == item_id).with_for_update(of=StockItem)
    ).one_or_none()
    if row is None:
        raise NoSuchItem
    lot_id, unit_grams, packed, held, sold, written_off = row
    return _Shelf(item_id, LotId(lot_id), unit_grams, packed, held, sold, written_off)


def _find_done(shelf: _Shelf, once: str) -> Counted | None:
    """What this key has done to this item already. Asked under the item's lock, so two at once cannot both hear no."""
    movement = db.session.execute(
        select(
            (Movement.packed_after - Movement.held_after - Movement.sold_after - Movement.written_off_after).label("free_after"),
            (Movement.packed_change - Movement.written_off_change).label("change"),
        ).where(Movement.once == _movement_key(shelf.item_id, once))
    ).one_or_none()
    if movement is None:
        return None
    return Counted(shelf.item_id, movement.free_after - movement.change, movement.free_after, is_repeat=True)


def _movement_key(item_id: ItemId, once: str) -> str:
    assert 0 < len(once) <= 40, "a form's key is short"
    return f"shelf:{item_id}:{once}"


def _move_to(shelf: _Shelf, free_units: int, *, kind: MovementKind, by: UserId | None, reason: Reason, once: str, now: datetime) -> Counted:
    """Change the item so that `free_units` are free; a recount is dated."""
    more = free_units - shelf.free_units
    if free_units < 0:
        raise NotEnoughToWriteOff(shelf.free_units, -more)
    found = min(more, shelf.written_off) if kind is MovementKind.RECOUNTED and more > 0 else 0
    packed = max(0, more) - found
    if packed:
        _take_grams(shelf, packed)
    return _change_shelf(shelf, packed=packed, written_off=max(0, -more) - found, kind=kind, by=by, reason=reason, once=once, now=now)


def _take_grams(shelf: _Shelf, units: int) -> None:
    """Pack so many grams more of the lot, under its row lock."""
    lot = db.session.execute(
        select(Lot.produced_grams, Lot.packed_grams, Lot.recalled_at).where(Lot.id == shelf.lot_id).with_for_update()
    ).one()
    if lot.recalled_at is not None:
        raise LotIsRecalled
    wanted_grams = lot.packed_grams + units * shelf.unit_grams
    if wanted_grams > lot.produced_grams:
        raise PackedTooMuch(lot.produced_grams, wanted_grams)
    db.session.execute(update(Lot).where(Lot.id == shelf.lot_id).values(packed_grams=wanted_grams))


def _change_shelf(
    shelf: _Shelf,
    *,
    kind: MovementKind,
    by: UserId | None,
    reason: Reason,
    once: str | None,
    now: datetime,
    packed: int = 0,
    written_off: int = 0,
) -> Counted:
    """Add to the item's figures and write down the movement; the CHECK on the item stands behind it."""
    values: dict[str, object] = {"packed": StockItem.packed + packed, "written_off": StockItem.written_off + written_off}
    if kind is MovementKind.RECOUNTED:
        values["counted_at"] = now
    after = db.session.execute(
        update(StockItem)
        .where(StockItem.id == shelf.item_id)
        .values(values)
        .returning(StockItem.packed, StockItem.held, StockItem.sold, StockItem.written_off)
    ).one()
    db.session.execute(
        insert(Movement).values(
            item_id=shelf.item_id,
            kind=kind,
            packed_change=packed,
            written_off_change=written_off,
            packed_after=after.packed,
            held_after=after.held,
            sold_after=after.sold,
            written_off_after=after.written_off,
            once=None if once is None else _movement_key(shelf.item_id, once),
            by_user_id=by,
            reason=reason.value,
            at=now,
        )
    )
    free_units = after.packed - after.held - after.sold - after.written_off
    if once is not None:  # of a new lot there is one row for all
        facts = {"before": {"free_units": shelf.free_units}, "after": {"free_units": free_units}, "reason": reason.value}
        write_audit("stock.changed", subject=f"item:{shelf.item_id}", by=by, facts=facts, now=now)
    return Counted(shelf.item_id, shelf.free_units, free_units)
