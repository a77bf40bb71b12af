"""Rows of the county's registers, for tests that only need them to be there."""

from dataclasses import dataclass

from sqlalchemy import select

from shop.extensions import reading
from shop.kit.ids import EasternUnitId
from shop.origin.models import Pairing
from tests.factories import make_eastern_unit, make_pairing


@dataclass(frozen=True)
class MadeRegister:
    """A unit and its pairing."""

    unit_id: EasternUnitId
    pairing_id: int


def make_register() -> MadeRegister:
    """One of each."""
    unit_id = make_eastern_unit()
    make_pairing(unit_id=unit_id)
    with reading() as session:
        return MadeRegister(unit_id, session.scalars(select(Pairing.id).where(Pairing.unit_id == unit_id)).one())
