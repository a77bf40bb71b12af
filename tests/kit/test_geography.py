"""Where places lie, seen from the county seat."""

from shop.kit.geography import Point, bearing

SEAT, BAHUANG, YANGTOU = Point(27.71722, 109.18528), Point(27.71806, 109.01889), Point(27.68944, 109.41389)


def test_bahuang_lies_sixteen_kilometres_west_of_the_seat() -> None:
    seen = bearing(SEAT, BAHUANG)
    assert (round(seen.east_km, 1), round(seen.north_km, 1)) == (-16.4, 0.1)


def test_yangtou_lies_east_and_a_little_south() -> None:
    seen = bearing(SEAT, YANGTOU)
    assert (round(seen.east_km, 1), round(seen.north_km, 1)) == (22.5, -3.1)


def test_a_place_lies_nowhere_from_itself() -> None:
    assert bearing(SEAT, SEAT).east_km == bearing(SEAT, SEAT).north_km == 0
