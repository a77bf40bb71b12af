"""What is told of a village: its story, and how many live there.

Law: people are counted, never named; a count says when and by whom it was made, and a small one is not shown (`shop/ledger/dividends.py:published_count`).
"""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import bindparam, insert, select, update

from shop.extensions import act, columns_of, db, rows_as
from shop.kit.ids import UserId, VillageId
from shop.origin.errors import NoSuchPlace
from shop.origin.models import Village, VillagePeople
from shop.outbox.service import write_audit

MOST_STORY = 4000


@dataclass(frozen=True)
class PeopleFacts:
    """How many, as they were counted."""

    households: int | None
    people: int | None
    members: int | None
    counted_on: date
    source: str
    is_sample: bool


_people = columns_of(VillagePeople)
_PEOPLE = select(_people.households, _people.people, _people.members, _people.counted_on, _people.source, _people.is_sample).where(
    _people.village_id == bindparam("village_id")
)


@act
def tell_story(village_id: VillageId, story: str, story_en: str, *, is_sample: bool, by: UserId | None, now: datetime) -> None:
    """The village's story in Chinese and English, in Markdown; '' where nobody has written it. Raises NoSuchPlace."""
    assert max(len(story), len(story_en)) <= MOST_STORY
    row = {"story": story, "story_en": story_en, "story_is_sample": is_sample}
    slug = db.session.scalar(update(Village).where(Village.id == village_id).values(**row).returning(Village.slug))
    if slug is None:
        raise NoSuchPlace
    write_audit(
        "village.story", subject=f"village:{slug}", by=by, facts={"after": {"length": len(story), "length_en": len(story_en)}}, now=now
    )


@act
def count_people(
    village_id: VillageId,
    *,
    households: int | None,
    people: int | None,
    members: int | None,
    counted_on: date,
    source: str,
    is_sample: bool,
    by: UserId | None,
    now: datetime,
) -> None:
    """How many live in the village, by this source on this day; a later count takes the place of the one before. Raises NoSuchPlace."""
    assert source, "a count has a source"
    if db.session.scalar(select(Village.id).where(Village.id == village_id).with_for_update()) is None:
        raise NoSuchPlace
    row = {"households": households, "people": people, "members": members, "counted_on": counted_on, "source": source}
    row |= {"is_sample": is_sample, "recorded_by": by, "recorded_at": now}
    its = VillagePeople.village_id == village_id
    if not db.session.execute(update(VillagePeople).where(its).values(**row).returning(VillagePeople.village_id)).all():
        db.session.execute(insert(VillagePeople).values(village_id=village_id, **row))
    write_audit("village.counted", subject=f"village:{village_id}", by=by, facts={"after": {"counted_on": counted_on.isoformat()}}, now=now)


def find_people(village_id: VillageId) -> PeopleFacts | None:
    """The count in force. One statement."""
    found = rows_as(PeopleFacts, db.session.execute(_PEOPLE, {"village_id": village_id}))
    return found[0] if found else None
