"""What somebody may mean who is typing, and what to say when nothing was found.

Law: whatever is suggested finds something. One statement each; a shelf, a village or a cooperative is found by its names alone, and of those there are few.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from enum import StrEnum
from functools import lru_cache

from sqlalchemy import TextClause, text

from shop.extensions import db
from shop.kit.hits import is_found, kept_of
from shop.kit.pinyin import HAN, heard_in, spellings
from shop.kit.text import search_patterns, search_tokens
from shop.reports.shelves import LONGEST_QUERY, Card, cards_in_season, finds_sql, named_sql

_HAN_RUNS = re.compile(f"[{HAN}]+")
MOST_PRODUCTS, MOST_PLACES, MOST_NEAR = 6, 4, 5
MOST_NAMES = 2_000
"""Of products, looked through for near words."""
_IN_SEASON = 4
_ALIKE = 0.72
"""How near a word has to be, from 0 to 1 (`difflib`): one letter of five may be wrong."""


class Kind(StrEnum):
    """What is suggested."""

    PRODUCT = "product"
    VILLAGE = "village"
    COOPERATIVE = "cooperative"
    CATEGORY = "category"


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One thing that fits what was typed so far."""

    kind: Kind
    slug: str
    name: str
    note: str
    """Of a product its village."""


def suggestions(words: str, *, english: bool) -> tuple[Suggestion, ...]:
    """Products first, those whose name is hit before others, then places and shelves. Nothing typed: nothing, and nobody is asked."""
    patterns = search_patterns(words[:LONGEST_QUERY])
    if not patterns:
        return ()
    given = {f"p{number}": pattern for number, pattern in enumerate(patterns)}
    found = db.session.execute(_suggested(len(patterns), english), given | {"most": MOST_PRODUCTS})
    things: list[Suggestion] = []
    for kind, slug, name, other, note in found:
        if kind == Kind.PRODUCT or is_found(kept_of(name, other), words):
            things.append(Suggestion(Kind(kind), slug, name, note))
    products = [thing for thing in things if thing.kind is Kind.PRODUCT]
    return (*products, *[thing for thing in things if thing.kind is not Kind.PRODUCT][:MOST_PLACES])


@lru_cache(maxsize=64)
def _suggested(patterns: int, english: bool) -> TextClause:
    name, other = ("name_en", "name") if english else ("name", "name_en")
    short = "name_en" if english else "short_name"
    return text(
        f"""
select kind, slug, name, other, note from (
select * from (select 1 as block, 'product' as kind, p.slug, p.{name} as name, p.{other} as other, v.{name} as note,
    row_number() over (order by case when {named_sql(patterns)} then 0 else 1 end, p.id) as place
  from products p join villages v on v.id = p.village_id
 where p.status = 'published' and exists (select 1 from skus o where o.product_id = p.id and o.is_offered){finds_sql(patterns)}) as found
 where place <= :most
union all select 2, 'village', slug, {name}, {other}, '', id from villages
union all select 3, 'cooperative', slug, {short}, name, '', id from cooperatives
union all select 4, 'category', slug, {name}, {other}, '', position from categories) as things
order by block, place"""
    )


# ── Nothing found ─────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Nothing:
    """What to say when nothing was found."""

    near: tuple[str, ...]
    """Words that do find something, the nearest first."""
    in_season: tuple[Card, ...]


_NAMES = text(
    """
select p.name, p.name_en from products p where p.status = 'published' and exists (select 1 from skus o where o.product_id = p.id and o.is_offered)
 order by p.id limit :most"""
)


def nothing_found(words: str, *, today: date, english: bool) -> Nothing:
    """Words near to those sought, by sound, by spelling and by their parts; and what is harvested and to be had now. Two statements."""
    names = [(name, name_en) for name, name_en in db.session.execute(_NAMES, {"most": MOST_NAMES})]
    return Nothing(near=near_words(words, names, english=english), in_season=cards_in_season(_IN_SEASON, today=today, english=english))


def near_words(words: str, names: Iterable[tuple[str, str]], *, english: bool) -> tuple[str, ...]:
    """Of the names of things (Chinese, English), pieces that are near to `words` and are found. Pure."""
    pairs = list(names)
    kept = [kept_of(name, name_en) for name, name_en in pairs]
    near: dict[str, None] = {}
    for guess in (*_by_sound(words, pairs), *_by_spelling(words, pairs, english), *_by_parts(words)):
        if guess.lower() != words.strip().lower() and any(is_found(each, guess) for each in kept):
            near[guess] = None
    return tuple(near)[:MOST_NEAR]


def _by_sound(words: str, names: list[tuple[str, str]]) -> Iterable[str]:
    """共米 sounds as 贡米 does: the piece of a name that is meant."""
    for sound in spellings("".join(search_parts(words)), from_each=False):
        if len(sound) > 2:
            for name, _name_en in names:
                if place := heard_in(name, sound):
                    yield name[slice(*place)]


def _by_spelling(words: str, names: list[tuple[str, str]], english: bool) -> Iterable[str]:
    """gongmmi is nearly gongmi, ricce nearly rice: the piece of a name, or the English word, that is meant."""
    spelt: dict[str, str] = {}
    for name, name_en in names:
        for sound in spellings(name):
            place = heard_in(name, sound)
            if place and len(sound) > 2:
                spelt.setdefault(sound, name[slice(*place)])
        for word in search_tokens(name_en):
            spelt[word] = word
    for token in search_tokens(words):
        if token.isascii():
            yield from (spelt[close] for close in get_close_matches(token, spelt, n=3, cutoff=_ALIKE))


def _by_parts(words: str) -> Iterable[str]:
    """红玉米 as 玉米, 米: what is left when a part is left out, the longest first."""
    runs = search_parts(words)
    if len(runs) > 1:
        yield from sorted(runs, key=len, reverse=True)
    for run in _HAN_RUNS.findall(words):
        for length in range(len(run) - 1, 0, -1):
            yield from (run[start : start + length] for start in range(len(run) - length, -1, -1))


def search_parts(words: str) -> list[str]:
    """The words of what was typed, apart."""
    return words[:LONGEST_QUERY].split()
