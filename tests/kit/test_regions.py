import pytest

from shop.kit.regions import Region, cities, districts, find_place, provinces, region_name, region_path, towns


def test_kunshan_is_where_it_is():
    assert Region("320000", "江苏省") in provinces()
    assert Region("320500", "苏州市") in cities("320000")
    assert Region("320583", "昆山市") in districts("320500")
    assert find_place("320583").names == ("江苏省", "苏州市", "昆山市")
    assert find_place("320583").name == "江苏省苏州市昆山市"


def test_every_province_but_three_leads_to_districts_and_every_district_back():
    count = 0
    for province in provinces():
        for city in cities(province.code):
            for district in districts(city.code):
                place = find_place(district.code)
                assert (place.province, place.city, place.district) == (province, city, district)
                count += 1
    assert count == 2_978
    assert [province.name for province in provinces() if not cities(province.code)] == ["台湾省", "香港特别行政区", "澳门特别行政区"]
    assert len(provinces()) == 34


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("310101", "上海市黄浦区"),
        ("500229", "重庆市城口县"),
        ("441900", "广东省东莞市"),
        ("429004", "湖北省仙桃市"),
        ("320500", "江苏省苏州市"),
        ("520000", "贵州省"),
        ("310100", "上海市"),
        ("810000", "香港特别行政区"),
        ("999999", "999999"),
    ],
)
def test_names_are_written_as_on_an_envelope(code, name):
    assert region_name(code) == name


def test_the_path_goes_from_the_province_down():
    assert [region.code for region in region_path("520602")] == ["520000", "520600", "520602"]
    assert [region.code for region in region_path("441900")] == ["440000", "441900"]
    assert region_path("nowhere") == ()


@pytest.mark.parametrize("code", ["320500", "320000", "710000", "999999", "", "３２０５８３", "320583 "])
def test_only_a_district_is_a_place_for_an_address(code):
    assert find_place(code) is None


def test_a_city_without_districts_is_its_own():
    (only,) = districts("441900")
    assert only == Region("441900", "东莞市")
    assert find_place("441900").names == ("广东省", "东莞市")


def test_kunshan_offers_its_ten_towns_and_the_zone():
    names = [town.name for town in towns("320583")]
    assert len(names) == 11 and names[-1] == "昆山开发区"
    assert {"周庄镇", "锦溪镇", "淀山湖镇"} <= set(names)
    assert all(town.code is None or town.code.startswith("320583") for town in towns("320583"))
    assert towns("310101") == ()


@pytest.mark.parametrize(
    ("district", "count", "name", "code"),
    [("320585", 8, "城厢镇", "320585100"), ("320505", 7, "东渚街道", "320505407"), ("520602", 15, "环北街道", "520602002")],
)
def test_the_towns_of_suzhou_and_tongren_are_known(district, count, name, code):
    found = {town.name: town.code for town in towns(district)}
    assert (len(found), found[name]) == (count, code)


def test_unknown_codes_have_no_parts():
    assert cities("000000") == () == districts("000000") == cities("320500") == districts("320000")
