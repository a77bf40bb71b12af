"""The verbs of origin. Everything has a key of its own (an official code, a slug, a pair of ids): named again it is the same thing and stays as it is."""

from collections.abc import Iterable
from datetime import date, datetime

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from shop.extensions import act, db, require_transaction, violated
from shop.kit.ids import CooperativeId, EasternUnitId, TownId, UserId, VillageId
from shop.kit.text import is_slug
from shop.origin.errors import BadSlug, CodeTaken, NoSuchPlace
from shop.origin.models import BankAccount, Cooperative, CooperativeVillage, EasternUnit, Membership, Pairing, PairingKind, Town, Village
from shop.outbox import service as outbox


@act
def add_town(
    *,
    code: str,
    name: str,
    short_name: str,
    name_en: str,
    county_code: str,
    county_name: str,
    latitude: float | None = None,
    longitude: float | None = None,
) -> TownId:
    """Add a town by its nine-digit code. The point is that of its seat, in degrees (WGS 84), where one is known."""
    known = db.session.scalar(select(Town.id).where(Town.code == code))
    if known is not None:
        return TownId(known)
    added = db.session.scalar(
        insert(Town)
        .values(
            code=code,
            name=name,
            short_name=short_name,
            name_en=name_en,
            county_code=county_code,
            county_name=county_name,
            latitude=latitude,
            longitude=longitude,
        )
        .returning(Town.id)
    )
    assert added is not None
    return TownId(added)


@act
def add_village(
    *,
    slug: str,
    code: str | None,
    name: str,
    name_en: str,
    town_id: TownId,
    story: str = "",
    story_en: str = "",
    story_is_sample: bool = True,
    valid_from: date | None = None,
    valid_until: date | None = None,
) -> VillageId:
    """Add a village by its slug. `code` has twelve digits, or is missing where the official list does not know the place.

    Raises BadSlug, CodeTaken or NoSuchPlace.
    """
    known = db.session.scalar(select(Village.id).where(Village.slug == _checked(slug)))
    if known is not None:
        return VillageId(known)
    _need(Town, town_id)
    try:
        added = db.session.scalar(
            insert(Village)
            .values(
                slug=slug,
                code=code,
                name=name,
                name_en=name_en,
                town_id=town_id,
                story=story,
                story_en=story_en,
                story_is_sample=story_is_sample,
                valid_from=valid_from,
                valid_until=valid_until,
            )
            .returning(Village.id)
        )
    except IntegrityError as error:
        if code is not None and violated(error, "uq_villages_code"):
            raise CodeTaken(code) from error
        raise
    assert added is not None
    return VillageId(added)


@act
def found_cooperative(
    *,
    slug: str,
    name: str,
    short_name: str,
    name_en: str,
    seat: VillageId,
    villages: Iterable[VillageId] = (),
    is_sample: bool = False,
) -> CooperativeId:
    """Add a cooperative by its slug. Its seat belongs to it, and so do `villages`, whose harvest may go into its lots.

    Villages named for a cooperative that is already there join it; none ever leaves by this. Raises BadSlug or NoSuchPlace.
    """
    cooperative_id = db.session.scalar(select(Cooperative.id).where(Cooperative.slug == _checked(slug)))
    if cooperative_id is None:
        _need(Village, seat)
        cooperative_id = db.session.scalar(
            insert(Cooperative)
            .values(slug=slug, name=name, short_name=short_name, name_en=name_en, village_id=seat, is_sample=is_sample)
            .returning(Cooperative.id)
        )
        assert cooperative_id is not None
    for village_id in sorted({seat, *villages}):
        _admit(CooperativeId(cooperative_id), village_id)
    return CooperativeId(cooperative_id)


@act
def admit_village(cooperative_id: CooperativeId, village_id: VillageId) -> None:
    """The village belongs to the cooperative from now on; its harvest may go into the cooperative's lots. Raises NoSuchPlace."""
    _need(Cooperative, cooperative_id)
    _admit(cooperative_id, village_id)


def _admit(cooperative_id: CooperativeId, village_id: VillageId) -> None:
    if db.session.get(CooperativeVillage, (cooperative_id, village_id)) is None:
        _need(Village, village_id)
        db.session.execute(insert(CooperativeVillage).values(cooperative_id=cooperative_id, village_id=village_id))


@act
def add_member(cooperative_id: CooperativeId, user_id: UserId, *, now: datetime) -> None:
    """The person works for the cooperative from `now` on and sees its goods after signing in. Raises NoSuchPlace."""
    join(cooperative_id, user_id, now=now)


def join(cooperative_id: CooperativeId, user_id: UserId, *, now: datetime) -> None:
    """Step. As `add_member`, within an act."""
    require_transaction()
    _need(Cooperative, cooperative_id)
    if db.session.get(Membership, (cooperative_id, user_id)) is None:
        db.session.execute(insert(Membership).values(cooperative_id=cooperative_id, user_id=user_id, since=now))


@act
def set_bank_account(
    cooperative_id: CooperativeId,
    *,
    payee: str,
    number: str,
    bank: str,
    bank_code: str = "",
    is_sample: bool = False,
    by: UserId | None,
    now: datetime,
) -> None:
    """Where the cooperative is paid from now on. `number` is the account's digits; what is approved already keeps the account it was approved with.

    Who changed it stands in an audit row, with the last four digits only. Raises NoSuchPlace.
    """
    _need(Cooperative, cooperative_id)
    account = db.session.get(BankAccount, cooperative_id)
    before = account.number if account else ""
    if account is None:
        account = BankAccount(cooperative_id=cooperative_id)
        db.session.add(account)
    account.payee, account.number, account.bank, account.bank_code, account.is_sample = payee, number, bank, bank_code, is_sample
    account.changed_by, account.changed_at = by, now
    facts = {"was": before[-4:], "now": number[-4:]}
    outbox.write_audit("bank_account_changed", subject=f"cooperative:{cooperative_id}", by=by, facts=facts, now=now)


@act
def set_shipping_days(cooperative_id: CooperativeId, ships_on: str, *, by: UserId, now: datetime) -> None:
    """The days of the week on which the cooperative hands parcels to its carrier, `1` for Monday, in order: `135`. What was said at checkout stays.

    Raises NoSuchPlace.
    """
    assert ships_on and "".join(sorted(set(ships_on) & set("1234567"))) == ships_on, "at least one day of the week, each once"
    before = db.session.scalar(select(Cooperative.ships_on).where(Cooperative.id == cooperative_id).with_for_update())
    if before is None:
        raise NoSuchPlace
    if before != ships_on:
        db.session.execute(update(Cooperative).where(Cooperative.id == cooperative_id).values(ships_on=ships_on))
        facts = {"was": before, "now": ships_on}
        outbox.write_audit("shipping_days_changed", subject=f"cooperative:{cooperative_id}", by=by, facts=facts, now=now)


@act
def add_eastern_unit(*, slug: str, name: str, district_code: str | None) -> EasternUnitId:
    """Add a town, department, firm or village in the east that buyers may credit; `district_code` has six digits. Raises BadSlug."""
    known = db.session.scalar(select(EasternUnit.id).where(EasternUnit.slug == _checked(slug)))
    if known is not None:
        return EasternUnitId(known)
    added = db.session.scalar(insert(EasternUnit).values(slug=slug, name=name, district_code=district_code).returning(EasternUnit.id))
    assert added is not None
    return EasternUnitId(added)


@act
def pair(
    unit_id: EasternUnitId,
    *,
    kind: PairingKind,
    western_name: str,
    village_id: VillageId | None = None,
    town_id: TownId | None = None,
    valid_from: date | None = None,
    valid_until: date | None = None,
    is_confirmed: bool,
    fact: str = "",
    source: str = "",
) -> None:
    """Pair a unit with a place in the west, named as in the source; one pairing of a kind with each place.

    Confirmed only with a source, since the shop claims nothing that it cannot show. Raises NoSuchPlace.
    """
    assert source or not is_confirmed, "a confirmed pairing names its source"
    _need(EasternUnit, unit_id)
    same = (Pairing.unit_id == unit_id, Pairing.western_name == western_name, Pairing.kind == kind)
    if db.session.scalar(select(Pairing.id).where(*same)) is not None:
        return
    db.session.execute(
        insert(Pairing).values(
            unit_id=unit_id,
            kind=kind,
            western_name=western_name,
            village_id=village_id,
            town_id=town_id,
            valid_from=valid_from,
            valid_until=valid_until,
            is_confirmed=is_confirmed,
            fact=fact,
            source=source,
        )
    )


def _checked(slug: str) -> str:
    if not is_slug(slug):
        raise BadSlug(slug)
    return slug


def _need(model: type[Town | Village | Cooperative | EasternUnit], id_: int) -> None:
    if db.session.scalar(select(model.id).where(model.id == id_)) is None:
        raise NoSuchPlace
