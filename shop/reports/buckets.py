"""Shares of the dividend's buckets beside sales: what approved runs within a period set aside, by village or cooperative (DESIGN §6).

Law: a run counts where all of its days lie in the period. A bucket is named as its rule names it; nothing here is added to sales or taken from them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import BigInteger, ColumnElement, String, cast, func, select

from shop.extensions import db
from shop.ledger.models import DividendApproval, DividendBucket, DividendRun, DividendShare, DividendSheet
from shop.origin.models import Town, Village


@dataclass(frozen=True)
class Buckets:
    """What runs within the period set aside."""

    words: tuple[str, ...]
    """Of the buckets, in the order of their rules; empty where no run lies in the period."""
    by_key: Mapping[str, tuple[int, ...]]
    """Fen by the key of the report's row, one for each word."""

    @property
    def total(self) -> tuple[int, ...]:
        """Fen of all rows together."""
        return tuple(sum(fen) for fen in zip(*self.by_key.values(), strict=True)) if self.by_key else (0,) * len(self.words)

    def of(self, key: str) -> tuple[int, ...]:
        """Of one row."""
        return self.by_key.get(key, (0,) * len(self.words))


NO_BUCKETS = Buckets((), {})
_KEYS: Mapping[str, ColumnElement[str]] = {
    "village": cast(DividendRun.village_id, String),
    "town": cast(Village.town_id, String),
    "county": cast(Town.county_code, String),
    "cooperative": cast(DividendSheet.cooperative_id, String),
}


def buckets(by: Sequence[str], since: date, until: date, only: Mapping[str, str]) -> Buckets:
    """Of a report by one dimension that runs have, held to nothing but such; nothing for any other. One statement."""
    if len(by) != 1 or by[0] not in _KEYS or not set(only) <= set(_KEYS):
        return NO_BUCKETS
    key = _KEYS[by[0]]
    query = (
        select(key, DividendBucket.word, func.min(DividendBucket.seq), cast(func.sum(DividendShare.amount_fen), BigInteger))
        .join_from(DividendShare, DividendRun, DividendRun.id == DividendShare.run_id)
        .join(DividendSheet, DividendSheet.id == DividendRun.sheet_id)
        .join(DividendApproval, DividendApproval.sheet_id == DividendSheet.id)
        .join(DividendBucket, (DividendBucket.rule_id == DividendRun.rule_id) & (DividendBucket.seq == DividendShare.seq))
        .join(Village, Village.id == DividendRun.village_id)
        .join(Town, Town.id == Village.town_id)
        .where(DividendRun.first_day >= since, DividendRun.last_day <= until, *(_KEYS[name] == value for name, value in only.items()))
        .group_by(key, DividendBucket.word)
    )
    found = db.session.execute(query).all()
    places: dict[str, int] = {}
    for _key, word, seq, _fen in found:
        places[word] = min(seq, places.get(word, seq))
    words = tuple(sorted(places, key=lambda word: (places[word], word)))
    fen: dict[str, list[int]] = {}
    for row_key, word, _seq, amount_fen in found:
        fen.setdefault(row_key, [0] * len(words))[words.index(word)] += amount_fen
    return Buckets(words, {row_key: tuple(amounts) for row_key, amounts in fen.items()})
