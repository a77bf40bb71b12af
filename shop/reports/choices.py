"""What a report can be held to: every village, product, unit … by name, for the lists of its form, and what one is called."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Select, String, cast, func, literal, null, select, union_all

from shop.catalog.models import Category, Product
from shop.extensions import db
from shop.kit.regions import provinces
from shop.origin.models import Cooperative, EasternUnit, Pairing, Town, Village
from shop.reports.dimensions import DIMENSIONS, NONE, Label

LISTED = ("village", "town", "county", "cooperative", "product", "category", "eastern_unit", "pairing", "channel", "accredited", "province")
"""Dimensions whose values stand in a list; others (a day, a city, a district) are reached from the row that has them."""


def choices() -> Mapping[str, Sequence[Label]]:
    """Every value of the listed dimensions, in the order of their names. One statement."""
    found: dict[str, list[Label]] = {name: [] for name in LISTED}
    for row in db.session.execute(_names()):
        found[row.dimension].append(Label(row.key, None, row.name, row.name_en))
    for name in ("channel", "accredited"):
        dimension = DIMENSIONS[name]
        found[name] = [dimension.label_of(dimension.key_of(text)) for text in _FIXED[name]]
    province = DIMENSIONS["province"]
    found["province"] = [province.label_of(province.key_of(place.code)) for place in provinces()]
    return found


_FIXED = {"channel": ("online", "offline"), "accredited": ("yes", "no")}


def _names() -> Select[*tuple[Any, ...]]:  # Any: a union says nothing of its columns
    pairing = EasternUnit.name + literal(" × ") + Pairing.western_name
    no_name = null()
    parts = [
        select(
            literal("village").label("dimension"),
            cast(Village.id, String).label("key"),
            Village.name.label("name"),
            Village.name_en.label("name_en"),
        ),
        select(literal("town"), cast(Town.id, String), Town.short_name, Town.name_en),
        select(literal("county"), Town.county_code, func.max(Town.county_name), no_name).group_by(Town.county_code),
        select(literal("cooperative"), cast(Cooperative.id, String), Cooperative.name, Cooperative.name_en),
        select(literal("product"), cast(Product.id, String), Product.name, Product.name_en),
        select(literal("category"), cast(Category.id, String), Category.name, Category.name_en),
        select(literal("eastern_unit"), cast(EasternUnit.id, String), EasternUnit.name, no_name),
        select(literal("pairing"), cast(Pairing.id, String), pairing, no_name).join(EasternUnit, EasternUnit.id == Pairing.unit_id),
    ]
    names = union_all(*parts).subquery("names")
    return select(names.c.dimension, names.c.key, names.c.name, names.c.name_en).order_by(names.c.dimension, names.c.name, names.c.key)


def label_of(name: str, key: str, known: Mapping[str, Sequence[Label]]) -> Label:
    """What a value is called, by the lists or, where it stands in none, by its key. Raises ValueError for one that no key can be."""
    dimension = DIMENSIONS[name]
    value = dimension.key_of(key)
    if key == NONE:
        return dimension.label_of(None)
    if name in known:
        return next((label for label in known[name] if label.key == key), Label(key, key, key, None))
    return dimension.label_of(value, key, key, None)
