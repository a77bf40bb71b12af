"""Villages and cooperatives with what is told of them, for the staff who write it down."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import or_, select

from shop.extensions import columns_of, db, rows_as, table_of
from shop.kit.errors import NotFound
from shop.kit.ids import CooperativeId, VillageId
from shop.origin.models import Cooperative, Town, Village
from shop.origin.tellings import PeopleFacts, find_people
from shop.papers.permits import PermitFacts, permits_of


@dataclass(frozen=True)
class VillageLine:
    """One village in the list."""

    slug: str
    name: str
    name_en: str
    town: str
    town_en: str
    has_story: bool
    story_is_sample: bool


@dataclass(frozen=True)
class CooperativeLine:
    """One cooperative."""

    id: CooperativeId
    slug: str
    name: str
    name_en: str


@dataclass(frozen=True)
class Places:
    """Everything the list shows. Three statements."""

    villages: Sequence[VillageLine]
    cooperatives: Sequence[CooperativeLine]
    permits: Sequence[PermitFacts]

    def cooperative_of(self, permit: PermitFacts) -> CooperativeLine:
        """Whose it is."""
        return next(row for row in self.cooperatives if row.id == permit.cooperative_id)


@dataclass(frozen=True)
class PlaceRow:
    """One village with what is told of it."""

    id: VillageId
    slug: str
    name: str
    name_en: str
    story: str
    story_en: str
    story_is_sample: bool
    people: PeopleFacts | None = None


_village, _town, _cooperative = columns_of(Village), columns_of(Town), columns_of(Cooperative)
_VILLAGES = (
    select(
        _village.slug,
        _village.name,
        _village.name_en,
        _town.short_name,
        _town.name_en,
        or_(_village.story != "", _village.story_en != ""),
        _village.story_is_sample,
    )
    .join_from(table_of(Village), table_of(Town), _town.id == _village.town_id)
    .order_by(_village.code, _village.id)
)
_COOPERATIVES = select(_cooperative.id, _cooperative.slug, _cooperative.name, _cooperative.name_en).order_by(_cooperative.id)
_PLACE = select(_village.id, _village.slug, _village.name, _village.name_en, _village.story, _village.story_en, _village.story_is_sample)


def list_places() -> Places:
    """All villages and cooperatives."""
    cooperatives = rows_as(CooperativeLine, db.session.execute(_COOPERATIVES))
    return Places(rows_as(VillageLine, db.session.execute(_VILLAGES)), cooperatives, permits_of([row.id for row in cooperatives]))


def get_place(slug: str) -> PlaceRow:
    """One village. Raises NotFound."""
    row = db.session.execute(_PLACE.where(_village.slug == slug)).one_or_none()
    if row is None:
        raise NotFound
    return PlaceRow(*row, find_people(VillageId(row.id)))
