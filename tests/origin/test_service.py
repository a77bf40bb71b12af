"""Places and people's houses: keyed, so that naming them twice makes them once."""

import pytest
from sqlalchemy import func, select

from shop.extensions import db, reading
from shop.kit.ids import TownId, VillageId
from shop.origin import service as origin
from shop.origin.errors import BadSlug, CodeTaken, NoSuchPlace
from shop.origin.models import Cooperative, CooperativeVillage, Membership, Pairing, PairingKind, Town, Village
from shop.origin.queries import cooperatives_of
from tests.factories import make_user

pytestmark = pytest.mark.usefixtures("app")


def add_huashi() -> TownId:
    return origin.add_town(
        code="520602201", name="滑石侗族苗族土家族乡", short_name="滑石乡", name_en="Huashi", county_code="520602", county_name="碧江区"
    )


def add_baishui(slug: str = "baishui", code: str | None = "520602201202") -> VillageId:
    return origin.add_village(slug=slug, code=code, name="白水村", name_en="Baishui Village", town_id=add_huashi())


def count(model: type) -> int:
    with reading() as session:
        return session.scalar(select(func.count()).select_from(model))


def test_a_place_named_twice_is_one_place_and_stays_as_it_was():
    first = add_baishui()
    again = origin.add_village(slug="baishui", code="520602201299", name="别的名字", name_en="Else", town_id=add_huashi())

    assert again == first
    assert (count(Town), count(Village)) == (1, 1)
    with reading() as session:
        assert session.execute(select(Village.name, Village.code)).one() == ("白水村", "520602201202")


def test_several_villages_may_be_without_a_code_but_no_two_share_one():
    add_baishui("xinglong", None)
    add_baishui("longtian", None)
    add_baishui()
    with pytest.raises(CodeTaken) as refused:
        add_baishui("baishui-er")
    assert refused.value.code == "520602201202"
    assert count(Village) == 3


@pytest.mark.parametrize("slug", ["白水", "Baishui", "bai_shui", "-baishui", "bai--shui", ""])
def test_an_address_is_plain_ascii(slug: str):
    with pytest.raises(BadSlug):
        add_baishui(slug)


def test_a_village_needs_its_town():
    with pytest.raises(NoSuchPlace):
        origin.add_village(slug="baishui", code=None, name="白水村", name_en="Baishui", town_id=TownId(99))


def test_a_cooperative_holds_its_seat_and_whoever_else_joins():
    seat, neighbour, later = add_baishui(), add_baishui("gaobatian", None), add_baishui("pingcha", None)
    named = {
        "slug": "baishui",
        "name": "白水大米专业合作社",
        "short_name": "白水大米合作社",
        "name_en": "Baishui Rice Cooperative",
        "seat": seat,
    }
    cooperative = origin.found_cooperative(**named, villages=[neighbour, neighbour])
    assert origin.found_cooperative(**named, villages=[neighbour]) == cooperative
    origin.admit_village(cooperative, later)
    origin.admit_village(cooperative, later)

    assert count(Cooperative) == 1
    with reading() as session:
        assert set(session.scalars(select(CooperativeVillage.village_id))) == {seat, neighbour, later}
    with pytest.raises(NoSuchPlace):
        origin.admit_village(cooperative, VillageId(99))


def test_a_member_works_for_the_cooperative_once(now):
    lao_chen = make_user("老陈")
    cooperative = origin.found_cooperative(
        slug="baishui", name="白水大米专业合作社", short_name="白水大米合作社", name_en="Baishui", seat=add_baishui()
    )
    origin.add_member(cooperative, lao_chen.id, now=now)
    origin.add_member(cooperative, lao_chen.id, now=now)

    assert count(Membership) == 1
    assert cooperatives_of(lao_chen.id) == (cooperative,)


def test_a_unit_is_paired_with_a_place_once_for_each_kind():
    village = add_baishui()
    unit = origin.add_eastern_unit(slug="zhoushi", name="昆山市周市镇", district_code="320583")
    assert origin.add_eastern_unit(slug="zhoushi", name="周市镇", district_code=None) == unit
    for kind in (PairingKind.TOWN, PairingKind.TOWN, PairingKind.INDUSTRY):
        origin.pair(unit, kind=kind, western_name="滑石乡", village_id=village, is_confirmed=False)
    assert count(Pairing) == 2


def test_a_pairing_is_confirmed_only_with_a_source():
    unit = origin.add_eastern_unit(slug="zhoushi", name="昆山市周市镇", district_code="320583")
    with pytest.raises(AssertionError):
        origin.pair(unit, kind=PairingKind.TOWN, western_name="滑石乡", is_confirmed=True)
    db.session.close()
