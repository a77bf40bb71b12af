"""Reading origin."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select

from shop.extensions import db
from shop.kit.ids import CooperativeId, EasternUnitId, UserId, VillageId
from shop.origin.models import BankAccount, Cooperative, EasternUnit, Membership, Village


def cooperatives_of(user_id: UserId) -> tuple[CooperativeId, ...]:
    """The cooperatives somebody works for, by id."""
    return tuple(
        CooperativeId(id_)
        for id_ in db.session.scalars(
            select(Membership.cooperative_id).where(Membership.user_id == user_id).order_by(Membership.cooperative_id)
        )
    )


def find_cooperative(slug: str) -> CooperativeId | None:
    """The cooperative with this address."""
    found = db.session.scalar(select(Cooperative.id).where(Cooperative.slug == slug))
    return CooperativeId(found) if found is not None else None


def cooperative_name(cooperative_id: CooperativeId) -> tuple[str, str]:
    """Its name and its English name, which must exist."""
    row = db.session.execute(select(Cooperative.name, Cooperative.name_en).where(Cooperative.id == cooperative_id)).one()
    return row.name, row.name_en


def shipping_days(cooperative_ids: Iterable[CooperativeId]) -> dict[CooperativeId, str]:
    """On which days of the week each hands parcels to its carrier, `1` for Monday."""
    rows = db.session.execute(select(Cooperative.id, Cooperative.ships_on).where(Cooperative.id.in_(sorted(cooperative_ids))))
    return {CooperativeId(row.id): row.ships_on for row in rows}


def eastern_units_by_name() -> dict[str, EasternUnitId]:
    """Every eastern unit, by its slug and by its name: what a file may call it."""
    rows = db.session.execute(select(EasternUnit.id, EasternUnit.slug, EasternUnit.name).order_by(EasternUnit.id.desc())).all()
    return {row.name: EasternUnitId(row.id) for row in rows} | {row.slug: EasternUnitId(row.id) for row in rows}


def village_names(village_ids: Iterable[VillageId]) -> dict[VillageId, tuple[str, str]]:
    """Names and English names of villages."""
    rows = db.session.execute(select(Village.id, Village.name, Village.name_en).where(Village.id.in_(sorted(village_ids))))
    return {VillageId(row.id): (row.name, row.name_en) for row in rows}


@dataclass(frozen=True)
class PaidTo:
    """Where a cooperative is paid."""

    payee: str
    number: str
    bank: str
    bank_code: str
    is_sample: bool


def find_bank_account(cooperative_id: CooperativeId) -> PaidTo | None:
    """Where the cooperative is paid, if anybody has said."""
    columns = (BankAccount.payee, BankAccount.number, BankAccount.bank, BankAccount.bank_code, BankAccount.is_sample)
    row = db.session.execute(select(*columns).where(BankAccount.cooperative_id == cooperative_id)).one_or_none()
    return PaidTo(*row) if row else None
