"""An official list held against the register: what is otherwise, what becomes of it, what stays."""

from datetime import date

import pytest
from sqlalchemy import select

from shop.acts.apply_places import apply_places
from shop.extensions import reading
from shop.kit.clock import utc_now
from shop.origin.models import CooperativeVillage, PlaceName, Town, Village, VillageMerger
from shop.origin.official import BadList, KnownTown, KnownVillage, compare, read_list, short_name
from shop.origin.places import AppliedAlready, IntoItself, bring_list, earlier_names, merge_village
from tests.factories import make_cooperative, make_user, make_village, make_villages

HEAD = "code,village,town_code,town,district_code,district\n"
LIST = HEAD + (
    "520602201202,白水村民委员会,520602201,滑石侗族苗族土家族乡,520602,碧江区\n"
    "520602201203,新名村民委员会,520602201,滑石侗族苗族土家族乡,520602,碧江区\n"
    "520602201299,换码村民委员会,520602201,滑石侗族苗族土家族乡,520602,碧江区\n"
    "520602999001,新村民委员会,520602999,新镇,520602,碧江区\n"
)
TOWN = KnownTown(1, "520602201", "滑石侗族苗族土家族乡", "520602")


def known(id_: int, code: str | None, name: str, county: str = "520602") -> KnownVillage:
    return KnownVillage(id_, code, name, "520602201", county)


def test_a_list_says_what_is_otherwise_and_leaves_alone_what_it_does_not_speak_of():
    villages = [
        known(1, "520602201202", "白水村"),
        known(2, "520602201203", "旧名村"),
        known(3, "520602201204", "换码村"),
        known(4, "520602201205", "没了村"),
        known(5, None, "兴龙社区"),
        known(6, "520621001001", "别县村", "520621"),
    ]
    found = compare(read_list(LIST.encode()), [TOWN], villages)
    assert found.same == 1
    assert [(one.id, one.before, one.after) for one in found.renamed] == [(2, "旧名村", "新名村")]
    assert [(one.id, one.after) for one in found.recoded] == [(3, "520602201299")]
    assert [one.id for one in found.gone] == [4]
    assert [one.name for one in found.missing] == ["新村"] and [town.name for town in found.towns_missing] == ["新镇"]


@pytest.mark.parametrize(
    ("content", "line", "column"),
    [
        (HEAD.replace("town_code", "x") + "520602201202,a,1,b,520602,c\n", 2, "code"),
        (HEAD + "520602201202,白水村,520602202,滑石,520602,碧江区\n", 2, "code"),
        (HEAD + "520602201202,白水村,520602201,滑石,520603,碧江区\n", 2, "district_code"),
        ("code,name\n1,2\n", 1, "district"),
    ],
)
def test_a_file_that_is_no_list_is_refused_whole(content: str, line: int, column: str):
    with pytest.raises(BadList) as refused:
        read_list(content.encode())
    assert (refused.value.line, refused.value.column) == (line, column)


def test_names_are_those_that_people_use():
    assert [short_name(name) for name in ("白水村民委员会", "北门社区居民委员会", "龙田组")] == ["白水村", "北门社区", "龙田组"]


def test_a_list_is_applied_once_and_the_old_name_is_kept(app):
    village, by = make_village(code="520602201203"), make_user().id
    with reading() as session:
        old = session.scalars(select(Village.name).where(Village.id == village.id)).one()
    list_id = bring_list(LIST.encode(), year=2025, name="示例.csv", by=by, now=utc_now())
    assert apply_places(list_id, last_day=date(2025, 12, 31), with_missing=True, by=by, now=utc_now()) == 1
    with pytest.raises(AppliedAlready):
        apply_places(list_id, last_day=date(2025, 12, 31), with_missing=True, by=by, now=utc_now())
    with reading() as session:
        assert session.scalars(select(Village.name).where(Village.id == village.id)).one() == "新名村"
        assert session.scalars(select(Town.name).where(Town.code == "520602999")).one() == "新镇"
        assert {"新村", "白水村", "换码村"} <= set(session.scalars(select(Village.name)))
        assert [(one.name, one.valid_until) for one in earlier_names(village.id)] == [(old, date(2025, 12, 31))]
        assert session.scalars(select(PlaceName.source)).all() == ["2025 示例.csv"]


def test_a_merged_village_leaves_its_cooperatives_to_its_successor(app):
    old, new = make_villages("白水村", "高坝田村")
    cooperative, by = make_cooperative(villages=[old]), make_user().id
    merge_village(old.id, new.id, last_day=date(2026, 10, 31), why="示例批文", by=by, now=utc_now())
    with pytest.raises(IntoItself):
        merge_village(new.id, old.id, last_day=date(2026, 10, 31), why="示例批文", by=by, now=utc_now())
    with reading() as session:
        members = select(CooperativeVillage.village_id).where(CooperativeVillage.cooperative_id == cooperative.id)
        assert set(session.scalars(members)) == {old.id, new.id}
        assert session.scalars(select(Village.valid_until).where(Village.id == old.id)).one() == date(2026, 10, 31)
        assert session.execute(select(VillageMerger.village_id, VillageMerger.into_id)).one() == (old.id, new.id)
