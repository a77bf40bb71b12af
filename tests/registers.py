"""Rows of the county's registers, for tests that only need them to be there."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select

from shop.extensions import reading
from shop.kit.clock import utc_now
from shop.kit.ids import EasternUnitId
from shop.origin.models import Pairing
from shop.origin.places import bring_list
from shop.shipping.rules import FIRST, ByWeight, terms_by_province
from shop.shipping.tariffs import NewTariff, add_tariff
from tests.factories import make_eastern_unit, make_pairing, make_user


@dataclass(frozen=True)
class MadeRegister:
    """A unit and its pairing, a tariff that has not begun."""

    unit_id: EasternUnitId
    pairing_id: int
    tariff_id: int
    list_id: int


def make_register() -> MadeRegister:
    """One of each."""
    unit_id = make_eastern_unit()
    make_pairing(unit_id=unit_id)
    with reading() as session:
        pairing_id = session.scalars(select(Pairing.id).where(Pairing.unit_id == unit_id)).one()
    return MadeRegister(unit_id, pairing_id, make_tariff(date(2099, 1, 1)), make_list())


def make_list() -> int:
    """An official list of one village."""
    content = "code,village,town_code,town,district_code,district\n520602201202,白水村民委员会,520602201,滑石乡,520602,碧江区\n"
    return bring_list(content.encode(), year=2025, name="示例.csv", by=make_user().id, now=utc_now())


def make_tariff(starts_on: date, *, first_fen: int = 600, free_from_fen: int = 19_900) -> int:
    """The first tariff again, with another price, from a day on."""
    weights = ByWeight("by_weight", 5_000, first_fen, 150), ByWeight("quick", 5_000, 1_200, 250)
    new = NewTariff(starts_on, weights[0], free_from_fen, weights[1], 1, terms_by_province(FIRST), "示例")
    return add_tariff(new, by=make_user().id, now=utc_now())
