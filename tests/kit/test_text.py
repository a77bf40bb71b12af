import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop.kit.text import MOST_SEARCH_TOKENS, escape_like, fold, search_patterns, search_text, search_tokens

RICE = search_text("白水贡米", "Baishui tribute rice", "5 kg 编织袋", "粮油", "rice-baishui-5k", "白水村")
PEANUTS = search_text("珍珠花生(生)", "Pearl peanuts, raw", "坚果", "高坝田村")
TEA = search_text("金丝皇菊", "Golden-silk chrysanthemum tea", "30 朵 罐", "茶饮", "坪茶村")


def finds(query: str, kept: str) -> bool:
    """As a database does it."""
    patterns = search_patterns(query)
    database = sqlite3.connect(":memory:")
    matches = [database.execute("select ? like ? escape '\\'", (kept, pattern)).fetchone()[0] for pattern in patterns]
    database.close()
    return bool(patterns) and all(matches)


@pytest.mark.parametrize(
    ("typed", "folded"),
    [
        ("１２", "12"),
        ("　ＡＢｃ　", "ABc"),
        ("＋８６ １３８", "+86 138"),
        (" 白水 ", "白水"),
        ("５％", "5%"),
        ("，", ","),
        ("白水　米", "白水 米"),
        ("。", "。"),
        ("", ""),
    ],
)
def test_full_width_signs_become_ordinary_ones(typed, folded):
    assert fold(typed) == folded


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("花生", [PEANUTS]),
        ("贡米", [RICE]),
        ("皇菊", [TEA]),
        ("白水", [RICE]),
        ("米", [RICE]),
        ("rice", [RICE]),
        ("RICE", [RICE]),
        ("ｒｉｃｅ", [RICE]),
        ("peanut", [PEANUTS]),
        ("白水贡米", [RICE]),
        ("白水 rice", [RICE]),
        ("rice花生", []),
        ("水白", []),
        ("eanut", []),
        ("村", [RICE, PEANUTS, TEA]),
        ("%", []),
        ("_", []),
        ("  ", []),
        ("", []),
        ("'; drop table products; --", []),
    ],
)
def test_what_people_type_finds_what_they_mean(query, found):
    assert [kept for kept in (RICE, PEANUTS, TEA) if finds(query, kept)] == found


def test_tokens_are_single_characters_pairs_and_small_words_between_spaces():
    assert search_text("白水米 Rice") == " 白 水 米 白水 水米 rice "
    assert search_text("白水", "白水") == " 白 水 白水 "
    assert search_text("", "——") == ""
    assert search_tokens("白水米 Rice 米") == ("白水", "水米", "rice", "米")


def test_characters_beyond_the_basic_plane_are_characters_too():
    assert search_tokens("𠮷野") == ("𠮷野",)
    assert search_text("〇") == " 〇 "


def test_wildcards_are_letters():
    assert escape_like(r"50%_\x") == r"50\%\_\\x"
    assert finds("100", search_text("100%"))


def test_a_novel_in_the_search_box_stays_small():
    assert len(search_tokens("".join(chr(0x4E00 + at) for at in range(5_000)))) == MOST_SEARCH_TOKENS


@given(texts=st.lists(st.text(alphabet=st.sampled_from("白水贡米花生 riceA１%_，"), max_size=12), max_size=3))
def test_whatever_is_kept_is_found_by_itself(texts):
    for text in texts:
        assert not search_tokens(text) or finds(text, search_text(*texts))


@given(st.text())
def test_any_text_at_all_is_survived(text):
    assert isinstance(finds(text, search_text(text)), bool)
    assert all(token.strip() == token and token for token in search_tokens(text))
