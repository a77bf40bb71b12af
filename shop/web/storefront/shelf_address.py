"""The shelves' address: what it asks for, how the same question is always written, and the words for what can be asked.

Law: one question has one address. Conditions stand in one order, the values of each too, and what changes nothing is left out.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from urllib.parse import urlencode

from flask import request, url_for
from flask_babel import gettext

from shop.reports.shelves import (
    ACCREDITED,
    ALL_YEAR,
    BOUNDS_FEN,
    IN_STOCK,
    LONGEST_QUERY,
    MARKS,
    MOST_CHOSEN,
    PRICES,
    SEASONS,
    FacetRow,
    Shelves,
    Sort,
    Wanted,
)
from shop.web.current import LOCALES
from shop.web.storefront.addresses import page_asked, slugs_asked
from shop.web.storefront.words import month
from shop.web.typed import clean

FACETS = {
    "category": "categories",
    "village": "villages",
    "cooperative": "cooperatives",
    "season": "seasons",
    "price": "prices",
    "stock": "stocks",
    "mark": "marks",
}
"""Names in addresses, in their order there, and in what is wanted and found."""
_KNOWN = {"season": SEASONS, "price": PRICES, "stock": (IN_STOCK,), "mark": MARKS}
"""Of some all values are known, and have an order; other values of those are passed over."""
SHOWN = 8
"""Of one facet, before the rest folds away."""


@dataclass(frozen=True)
class Chip:
    """A condition in force, and the address without it."""

    text: str
    href: str


@dataclass(frozen=True)
class FacetGroup:
    """A facet as the page shows it; rows are (value, words, count)."""

    legend: str
    name: str
    rows: tuple[tuple[str, str, int], ...]
    chosen: tuple[str, ...]


def words_asked() -> str:
    """What somebody typed into the search."""
    return clean(request.args.get("q"), most=LONGEST_QUERY)


def wanted_by_address() -> Wanted:
    """What this request's address asks for."""
    return Wanted(
        words=words_asked(),
        **{field: _values_asked(name) for name, field in FACETS.items()},
        sort=next((sort for sort in Sort if sort == request.args.get("sort")), Sort.BEST),
        page=page_asked(),
    )


def _values_asked(name: str) -> tuple[str, ...]:
    asked = slugs_asked(name)
    in_order = [value for value in _KNOWN[name] if value in asked] if name in _KNOWN else sorted(asked)
    return tuple(in_order[:MOST_CHOSEN])


def arguments_of(wanted: Wanted, *, lang: str = "") -> list[tuple[str, str]]:
    """The question as pairs of an address, always in this order. `lang` is kept where the address carries the language."""
    pairs = [("q", wanted.words)] if wanted.words else []
    pairs += [(name, value) for name, field in FACETS.items() for value in getattr(wanted, field)]
    if wanted.sort is not Sort.BEST:
        pairs.append(("sort", wanted.sort.value))
    if wanted.page > 1:
        pairs.append(("page", str(wanted.page)))
    return [*pairs, ("lang", lang)] if lang in LOCALES else pairs


def address_of(wanted: Wanted, *, lang: str = "", sort: Sort | None = None, page: int | None = None) -> str:
    """The one address of a question, with another order or page if one is given."""
    changed = replace(wanted, sort=wanted.sort if sort is None else sort, page=wanted.page if page is None else page)
    query = urlencode(arguments_of(changed, lang=lang))
    return url_for("storefront.products.index") + (f"?{query}" if query else "")


def asked_of(wanted: Wanted) -> dict[str, str | list[str]]:
    """The conditions in force as arguments of `url_for`, without the page."""
    asked: dict[str, str | list[str]] = {}
    for name, value in arguments_of(replace(wanted, page=1)):
        if name in FACETS:
            values = asked.setdefault(name, [])
            assert isinstance(values, list)
            values.append(value)
        else:
            asked[name] = value
    return asked


def facets_of(wanted: Wanted, found: Shelves, today: date) -> tuple[FacetGroup, ...]:
    """Every facet that narrows anything, this month first among the seasons."""
    legends = {
        "category": gettext("品类"),
        "village": gettext("村子"),
        "cooperative": gettext("合作社"),
        "season": gettext("采收的月份"),
        "price": gettext("价格"),
        "stock": gettext("库存"),
        "mark": gettext("认定"),
    }
    groups = []
    for name, field in FACETS.items():
        rows: Iterable[FacetRow] = getattr(found, field)
        if name == "season":
            rows = sorted(rows, key=lambda row: _months_ahead(row.slug, today))
        group = FacetGroup(
            legends[name], name, tuple((row.slug, _words_for(name, row, today), row.count) for row in rows), getattr(wanted, field)
        )
        if group.rows:
            groups.append(group)
    return tuple(groups)


def chips_of(wanted: Wanted, found: Shelves) -> list[Chip]:
    """The conditions in force, each with the address without it."""
    whole = replace(wanted, page=1)
    chips = [Chip(f"“{wanted.words}”", address_of(replace(whole, words="")))] if wanted.words else []
    for name, field in FACETS.items():
        rows = {row.slug: row for row in getattr(found, field)}
        chosen: tuple[str, ...] = getattr(wanted, field)
        for slug in chosen:
            without: dict[str, tuple[str, ...]] = {field: tuple(other for other in chosen if other != slug)}
            words = _words_for(name, rows[slug]) if slug in rows else slug
            chips.append(Chip(words, address_of(replace(whole, **without))))  # type: ignore[arg-type]  # as above
    return chips


def _months_ahead(slug: str, today: date) -> int:
    return 12 if slug == ALL_YEAR else (int(slug) - today.month) % 12


def _words_for(name: str, row: FacetRow, today: date | None = None) -> str:
    if row.name:
        return row.name
    if name == "season" and row.slug == ALL_YEAR:
        return str(gettext("全年都有"))
    if name == "season":
        is_now = today is not None and int(row.slug) == today.month
        return str(gettext("%(month)s（现在）", month=month(int(row.slug)))) if is_now else month(int(row.slug))
    if name == "price":
        return _price_words(PRICES.index(row.slug))
    return str(gettext("现在有货") if name == "stock" else gettext("帮扶认定在有效期内") if row.slug == ACCREDITED else row.slug)


def _price_words(band: int) -> str:
    yuan = [bound // 100 for bound in BOUNDS_FEN]
    if band == 0:
        return str(gettext("¥%(yuan)s 以下", yuan=yuan[0]))
    if band == len(yuan):
        return str(gettext("¥%(yuan)s 起", yuan=yuan[-1]))
    return f"¥{yuan[band - 1]}–{yuan[band]}"
