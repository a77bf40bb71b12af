from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop.kit.hits import hits, is_found, kept_of
from shop.kit.pinyin import heard_in, spellings

HAN = st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF), min_size=1, max_size=6)


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("白水贡米", "gongmi"), ("白水贡米", "gm"), ("白水贡米", "baishuigongmi"), ("白水贡米", "bsgm"), ("女贞", "nvzhen"), ("女贞", "nuzhen"),
        ("重庆", "chongqing"), ("长沙", "changsha"), ("珍珠花生(生)", "huasheng"),
    ],
)  # fmt: skip
def test_it_can_be_typed_as_it_sounds(text: str, typed: str) -> None:
    assert typed in spellings(text)
    assert heard_in(text, typed) is not None


def test_one_initial_is_no_spelling_and_what_is_not_chinese_has_none() -> None:
    assert "g" not in spellings("贡米")
    assert spellings("rice 5 kg") == ()
    assert heard_in("白水贡米", "xyz") is None


@given(HAN)
def test_every_spelling_is_found_and_heard_where_it_stands(text: str) -> None:
    kept = kept_of(text)
    for spelling in spellings(text):
        assert is_found(kept, spelling)
        place = heard_in(text, spelling)
        assert place is not None and any(way.startswith(spelling) for way in spellings(text[slice(*place)], from_each=False))


@pytest.mark.parametrize(
    ("text", "query", "pieces"),
    [
        ("白水贡米", "贡米", ["贡米"]),
        ("白水贡米", "白水贡米", ["白水贡米"]),
        ("白水贡米", "gongmi", ["贡米"]),
        ("白水贡米", "gm", ["贡米"]),
        ("Baishui tribute rice", "RICE tri", ["tri", "rice"]),
        ("Baishui tribute rice", "ice", []),
        ("白水贡米", "花生", []),
        ("𠮷野米", "米", ["米"]),
        ("<b>米", "米", ["米"]),
    ],
)
def test_hits_are_the_pieces_meant(text: str, query: str, pieces: list[str]) -> None:
    assert [text[start:end] for start, end in hits(text, query)] == pieces


@given(st.text(max_size=30), st.text(max_size=12))
def test_hits_stand_apart_and_within_the_text(text: str, query: str) -> None:
    found = hits(text, query)
    assert all(0 <= start < end <= len(text) for start, end in found)
    assert all(before[1] < after[0] for before, after in pairwise(found))
